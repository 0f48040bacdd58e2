// Package config joins the settings of several structs to one flat space of keys, which are both the
// keys of a TOML file and the flags of the command line. Package setting reads the tags of their fields.
//
// It imports package setting alone. Command galvani alone may import it.
package config
