// Package cite holds references to the literature as data, and writes them as BibTeX.
//
// The registries of cells and tasks declare their references beside the code that follows them; works
// that more than one of them follows are listed here. Any package may import this one; it
// imports none of the project.
package cite
