package data

// Limits is the settings that all picture tasks share.
type Limits struct {
	TrainLimit int `toml:"train_limit" doc:"use the first training images; 0 uses all" unit:"1" min:"0" max:"100000000"`
	TestLimit  int `toml:"test_limit" doc:"use the first test images; 0 uses all" unit:"1" min:"0" max:"100000000"`
}

// images is labelled pictures, shown a few bytes per step in a given order.
type images struct {
	task   *Task
	pixels []byte // [N, T·I]
	labels []byte // [N]
	order  []int  // [T·I], which byte of a picture each input is
}

// Len implements Set.
func (s *images) Len() int { return len(s.labels) }

// Fill implements Set. Bytes 0 to 255 become 0 to 1.
func (s *images) Fill(b *Batch, col, _, index int) error {
	if err := checkFill(s.task, len(s.labels), b, col, index); err != nil {
		return err
	}
	picture := s.pixels[index*len(s.order) : (index+1)*len(s.order)]
	for t := range b.T {
		from := s.order[t*b.I : (t+1)*b.I]
		for i, at := range from {
			b.input(t, col)[i] = float32(picture[at]) / 255
		}
	}
	b.Label[col], b.Weight[col] = float32(s.labels[index]), 1
	return nil
}

// Fixed implements Fixed.
func (s *images) Fixed() bool { return true }

// newImages keeps the first limit pictures, or all where limit is 0. It copies what it keeps,
// so that the rest can be freed.
func newImages(t *Task, pixels, labels []byte, order []int, limit int) *images {
	if limit > 0 && limit < len(labels) {
		labels = append([]byte(nil), labels[:limit]...)
		pixels = append([]byte(nil), pixels[:limit*len(order)]...)
	}
	return &images{task: t, pixels: pixels, labels: labels, order: order}
}

// inOrder is the order of a file: byte k is input k.
func inOrder(n int) []int {
	order := make([]int, n)
	for k := range order {
		order[k] = k
	}
	return order
}
