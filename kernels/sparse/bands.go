package sparse

// Bands is a symmetric matrix of edges, split for vectors: entries whose column lies at the same
// distance from their row form bands, the others are kept one by one. A ring is two bands and two
// entries.
type Bands struct {
	Offset []int32 // [bands], column minus row
	Edge   []int32 // [bands,units], edge of the entry in each row, -1 for none
	Post   []int32 // [loose]
	Pre    []int32 // [loose]
	Loose  []int32 // [loose], edge of each entry
}

// bandShare is the least part of the rows that a band fills: below it, multiplying the zeros
// between costs more than single entries.
const bandShare = 8

// NewBands splits the edges i[e]–j[e] between units. Of several edges between two units one at most is
// in a band.
func NewBands(units int, i, j []int32) Bands {
	var b Bands
	count := map[int32]int{}
	for e := range i {
		count[j[e]-i[e]]++
		count[i[e]-j[e]]++
	}
	number := map[int32]int{}
	put := func(post, pre int32, e int) {
		shift := pre - post
		if count[shift]*bandShare >= units {
			k, ok := number[shift]
			if !ok {
				k = len(b.Offset)
				number[shift] = k
				b.Offset = append(b.Offset, shift)
				for range units {
					b.Edge = append(b.Edge, -1)
				}
			}
			if at := &b.Edge[k*units+int(post)]; *at < 0 {
				*at = int32(e)
				return
			}
		}
		b.Post, b.Pre, b.Loose = append(b.Post, post), append(b.Pre, pre), append(b.Loose, int32(e))
	}
	for e := range i {
		put(i[e], j[e], e)
		put(j[e], i[e], e)
	}
	return b
}
