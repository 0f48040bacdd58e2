// Command galvani trains recurrent networks whose cells come from biophysics, and shows what
// they learned.
//
// It holds flags, wiring and words for people: what it computes is in the packages below. It may import all of
// them; nothing imports it.
package main
