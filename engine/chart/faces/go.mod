// Stands in the place of the module of the Liberation fonts, of which gonum.org/v1/plot links twelve faces,
// 4.3 MB: charts write in two of them, and all other names stand for the regular one of these.
module codeberg.org/go-fonts/liberation

go 1.24.0

require liberation.invalid/original v0.5.0
