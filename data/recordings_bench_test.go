package data

import (
	"path/filepath"
	"testing"
)

// BenchmarkRecordingsFill reads a recording of N-MNIST's size: 4000 events on 30 steps.
func BenchmarkRecordingsFill(b *testing.B) {
	dir := b.TempDir()
	var raw []byte
	for k := range uint32(4000) {
		raw = append(raw, address(byte(k%34), byte(k/34%34), byte(k&1), 75*k)...)
	}
	for _, name := range []string{"Train/a/1.bin", "Test/a/1.bin"} {
		mustWrite(b, filepath.Join(dir, name), raw)
	}
	task := open(b, "recordings", Env{Dir: dir}, nil)
	batch := NewBatch(task, 1)
	b.ReportAllocs()
	for b.Loop() {
		if err := task.Train.Fill(batch, 0, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
}
