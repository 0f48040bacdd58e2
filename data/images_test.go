package data

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sampleData returns the folder of real data files, or skips the test.
func sampleData(t testing.TB) string {
	dir := os.Getenv("GALVANI_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no sample data: %v (set GALVANI_TEST_DATA)", err)
	}
	return dir
}

// open opens a registered task, after change has had its way with the settings.
func open(t testing.TB, name string, env Env, change func(Config)) *Task {
	t.Helper()
	e, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	c := e.New()
	if change != nil {
		change(c)
	}
	task, err := c.Open(env)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// TestMNIST reads the real files and compares them with numbers taken from the published ones
// by another program: labels, class counts, sum of all pixels (the mean is the 0.1307 that is
// commonly subtracted).
func TestMNIST(t *testing.T) {
	dir := sampleData(t)
	for _, half := range []struct {
		files  string
		labels []byte // of the first images
		counts []int
		first  uint64 // sum of the first image
		sum    uint64
	}{
		{"train", []byte{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, 27525, 1567298545},
		{"t10k", []byte{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}, []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, 18454, 264923200},
	} {
		digits, err := mnist.read(dir, half.files)
		if err != nil {
			t.Fatal(err)
		}
		pixels, labels := digits.pixels, digits.labels
		if !bytes.Equal(labels[:10], half.labels) || !slices.Equal(countLabels(labels), half.counts) {
			t.Errorf("%s: labels are %v..., counts %v, want %v and %v", half.files, labels[:10], countLabels(labels), half.labels, half.counts)
		}
		if first, sum := total(pixels[:digitBytes]), total(pixels); first != half.first || sum != half.sum {
			t.Errorf("%s: first image sums to %d, all to %d, want %d and %d", half.files, first, sum, half.first, half.sum)
		}
	}
}

// TestCIFAR reads the shortened real files: 932 records in each.
func TestCIFAR(t *testing.T) {
	dir := sampleData(t)
	for _, half := range []struct {
		files  []string
		labels []byte
		counts []int
		planes [picturePlanes]uint64 // sums
	}{
		{cifarTrain[:], []byte{6, 9, 9, 4, 1, 1, 2, 7, 8, 3}, []int{479, 479, 444, 448, 489, 435, 464, 477, 481, 464}, [3]uint64{599996065, 588409860, 545180839}},
		{cifarTest[:], []byte{3, 8, 8, 0, 6, 6, 1, 6, 3, 1}, []int{97, 78, 94, 95, 85, 84, 105, 96, 98, 100}, [3]uint64{121320763, 118988917, 110206654}},
	} {
		pixels, labels, err := readObjects(dir, half.files)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(labels[:10], half.labels) || !slices.Equal(countLabels(labels), half.counts) {
			t.Errorf("labels are %v..., counts %v, want %v and %v", labels[:10], countLabels(labels), half.labels, half.counts)
		}
		var planes [picturePlanes]uint64
		for at := 0; at < len(pixels); at += planeBytes {
			planes[at/planeBytes%picturePlanes] += total(pixels[at : at+planeBytes])
		}
		if planes != half.planes {
			t.Errorf("planes sum to %v, want %v", planes, half.planes)
		}
	}
}

func total(b []byte) (sum uint64) {
	for _, v := range b {
		sum += uint64(v)
	}
	return sum
}

func countLabels(labels []byte) []int {
	counts := make([]int, 10)
	for _, l := range labels {
		counts[l]++
	}
	return counts
}

// TestPictureTasks opens every picture task on the real files and looks at sample 1 through
// its inputs: shape, the known places of some bytes, label and weight.
func TestPictureTasks(t *testing.T) {
	dir := sampleData(t)
	digits, err := mnist.read(dir, "t10k")
	if err != nil {
		t.Fatal(err)
	}
	objects, _, err := readObjects(dir, cifarTest[:])
	if err != nil {
		t.Fatal(err)
	}
	digit, object := digits.pixels[digitBytes:2*digitBytes], objects[pictureBytes:2*pictureBytes]
	for _, c := range []struct {
		name        string
		T, I        int
		train, test int
		label       float32
		picture     []byte
		// at returns which byte input i of step t is; nil if the order is random.
		at func(t, i int) int
	}{
		{"mnist", 1, 784, 60000, 10000, 2, digit, func(_, i int) int { return i }},
		{"mnist-rows", 28, 28, 60000, 10000, 2, digit, func(t, i int) int { return 28*t + i }},
		{"mnist-pixels", 784, 1, 60000, 10000, 2, digit, func(t, _ int) int { return t }},
		{"mnist-permuted", 784, 1, 60000, 10000, 2, digit, nil},
		{"cifar10", 1, 3072, 4660, 932, 8, object, func(_, i int) int { return i }},
		{"cifar10-rows", 32, 96, 4660, 932, 8, object, func(t, i int) int { return i/32*1024 + 32*t + i%32 }},
		{"cifar10-pixels", 1024, 3, 4660, 932, 8, object, func(t, i int) int { return 1024*i + t }},
	} {
		t.Run(c.name, func(t *testing.T) {
			task := open(t, c.name, Env{Dir: dir}, nil)
			if task.Name != c.name || task.T != c.T || task.I != c.I || task.O != 10 || task.Goal != Classify || task.Every || task.Masked || len(task.Classes) != 10 {
				t.Errorf("shape is %+v, want T=%d I=%d", task, c.T, c.I)
			}
			if task.Train.Len() != c.train || task.Test.Len() != c.test {
				t.Errorf("%d and %d samples, want %d and %d", task.Train.Len(), task.Test.Len(), c.train, c.test)
			}
			b := NewBatch(task, 3)
			if err := task.Test.Fill(b, 1, 0, 1); err != nil {
				t.Fatal(err)
			}
			if b.Label[1] != c.label || b.Weight[1] != 1 {
				t.Errorf("label is %v with weight %v, want %v with 1", b.Label[1], b.Weight[1], c.label)
			}
			var shown []float32
			for k := range c.T {
				for i := range c.I {
					x := b.X[(k*3+1)*c.I+i]
					shown = append(shown, x)
					if c.at != nil && x != float32(c.picture[c.at(k, i)])/255 {
						t.Fatalf("step %d input %d is %v, want %v", k, i, x, float32(c.picture[c.at(k, i)])/255)
					}
				}
			}
			var whole []float32
			for _, p := range c.picture {
				whole = append(whole, float32(p)/255)
			}
			if c.at == nil && slices.Equal(shown, whole) {
				t.Error("pixels are not permuted")
			}
			slices.Sort(shown)
			slices.Sort(whole)
			if !slices.Equal(shown, whole) {
				t.Error("the inputs are not the bytes of the picture")
			}
		})
	}
}

// TestPermutation holds the pixel order to its key: the seed of the run does not touch it.
func TestPermutation(t *testing.T) {
	dir := t.TempDir()
	pixels := make([]byte, digitBytes)
	for i := range pixels {
		pixels[i] = byte(i)
	}
	for _, half := range []string{"train", "t10k"} {
		mustWrite(t, filepath.Join(dir, half+"-images-idx3-ubyte"), idx(pixels, idxImages, 1, 28, 28))
		mustWrite(t, filepath.Join(dir, half+"-labels-idx1-ubyte"), idx([]byte{3}, idxLabels, 1))
	}
	show := func(seed uint64, permutation int) string {
		task := open(t, "mnist-permuted", Env{Dir: dir, Seed: seed}, func(c Config) { c.(*PermutedMNIST).Permutation = permutation })
		return sample(t, task, task.Train, 0, 0)
	}
	if show(1, 0) != show(2, 0) {
		t.Error("the seed of the run changes the pixel order")
	}
	if show(1, 0) == show(1, 1) {
		t.Error("key permutation does not change the pixel order")
	}
}

// TestLimits keeps the first records and no more.
func TestLimits(t *testing.T) {
	dir := sampleData(t)
	task := open(t, "cifar10-rows", Env{Dir: dir}, func(c Config) { c.(*CIFAR10).Limits = Limits{TrainLimit: 1000, TestLimit: 5000} })
	all := open(t, "cifar10-rows", Env{Dir: dir}, nil)
	if task.Train.Len() != 1000 || task.Test.Len() != 932 {
		t.Errorf("%d and %d samples, want 1000 and 932", task.Train.Len(), task.Test.Len())
	}
	if sample(t, task, task.Train, 0, 999) != sample(t, all, all.Train, 0, 999) {
		t.Error("sample 999 differs under a limit")
	}
	b := NewBatch(all, 1)
	if n := testing.AllocsPerRun(20, func() {
		if err := all.Train.Fill(b, 0, 0, 7); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per sample, want none", n)
	}
}
