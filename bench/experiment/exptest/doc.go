// Package exptest holds what the tests of experiments share. Only tests import it.
package exptest
