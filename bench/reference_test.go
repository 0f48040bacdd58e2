package bench

import "testing"

// TestFastestProductIsReference holds that costs refer to the fastest product of all sizes, be it the
// packed one or that of a library, and that each library has a row at each size.
func TestFastestProductIsReference(t *testing.T) {
	product := func(name string, seconds float64) contestant {
		return contestant{name: name, flops: 1, run: func(n int) ([]float64, error) {
			all := make([]float64, n)
			for i := range all {
				all[i] = seconds
			}
			return all, nil
		}}
	}
	var got []Row
	r := &runner{Config: Config{Each: func(r Row) error { got = append(got, r); return nil }}, effort: brief}
	for _, all := range [][]contestant{
		{product("packed 64", 4), product("library 64", 8)},
		{product("packed 128", 2), product("library 128", 1), product("other 128", 3)},
		{product("packed 256", 3)},
	} {
		if err := r.compareProducts(all); err != nil {
			t.Fatal(err)
		}
	}
	if r.gemm.name != "library 128" || r.rate != 1 {
		t.Errorf("costs refer to %s at %v operations per second, want library 128 at 1", r.gemm.name, r.rate)
	}
	want := []struct {
		subject, reference string
		cost               float64
	}{{"packed 64", "library 64", 0.5}, {"packed 128", "library 128", 2}, {"packed 128", "other 128", 2. / 3}, {"packed 256", "", 0}}
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i, w := range want {
		row := got[i]
		if row.Case != "gemm" || row.Subject.Name != w.subject || (row.Reference == nil) != (w.reference == "") {
			t.Errorf("row %d is %+v, want %+v", i, row, w)
		} else if row.Reference != nil && (row.Reference.Name != w.reference || row.Ratio.Value != w.cost) {
			t.Errorf("row %d: %s at cost %v, want %+v", i, row.Reference.Name, row.Ratio.Value, w)
		}
	}
}
