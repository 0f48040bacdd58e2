package data

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
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

// TestMNIST reads the real files: counts, first labels, and the published sum of all pixels in
// the form of the mean 0.1307 that every tutorial subtracts.
func TestMNIST(t *testing.T) {
	dir := sampleData(t)
	for _, half := range []struct {
		files  string
		n      int
		labels []byte
		sum    uint64
		hash   string // SHA-256 of the pixels, the file without its header
	}{
		{"train", 60000, []byte{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, 0, ""},
		{"t10k", 10000, []byte{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}, 0, ""},
	} {
		pixels, labels, err := readDigits(dir, half.files)
		if err != nil {
			t.Fatal(err)
		}
		var sum uint64
		for _, p := range pixels {
			sum += uint64(p)
		}
		h := sha256.Sum256(pixels)
		t.Log(len(labels), labels[:10], sum, hex.EncodeToString(h[:]))
	}
}

func TestCIFARDump(t *testing.T) {
	dir := sampleData(t)
	for _, names := range [][]string{cifarTrain[:], cifarTest[:]} {
		pixels, labels, err := readObjects(dir, names)
		if err != nil {
			t.Fatal(err)
		}
		var sum uint64
		for _, p := range pixels {
			sum += uint64(p)
		}
		t.Log(len(labels), labels[:10], sum)
	}
}
