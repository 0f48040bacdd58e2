package data

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// someRecordings writes a small collection of two classes and returns its data folder.
func someRecordings(t *testing.T, place string) string {
	t.Helper()
	dir := t.TempDir()
	for name, raw := range map[string][]byte{
		"Train/cat/1.bin":    slices.Concat(address(0, 0, 0, 0), address(0, 0, 0, 9999), address(33, 33, 1, 10000)),
		"Train/cat/2.bin":    address(1, 0, 0, 5),
		"Train/cat/note.txt": []byte("not a recording"),
		"Train/dog/1.csv":    []byte("time_ms,unit,weight\n15,3,0.5\n300,3,1\n"),
		"Train/note.txt":     []byte("not a class"),
		"Test/dog/7.bin":     fewAddresses(),
	} {
		mustWrite(t, filepath.Join(dir, place, name), raw)
	}
	return dir
}

func TestRecordings(t *testing.T) {
	for _, place := range []string{"", "nmnist", "N-MNIST", "recordings"} {
		task := open(t, "recordings", Env{Dir: someRecordings(t, place)}, nil)
		if task.I != 2312 || task.T != 30 || task.O != 2 || !slices.Equal(task.Classes, []string{"cat", "dog"}) || task.Train.Len() != 3 || task.Test.Len() != 1 {
			t.Fatalf("%q: task %+v of %d and %d samples", place, task, task.Train.Len(), task.Test.Len())
		}
	}
	task := open(t, "recordings", Env{Dir: someRecordings(t, "")}, nil)
	b := NewBatch(task, 3)
	for i := range b.X {
		b.X[i] = 9
	}
	for index := range 3 { // cat, dog, cat
		if err := task.Train.Fill(b, index, 0, index); err != nil {
			t.Fatal(err)
		}
	}
	if want := []float32{0, 1, 0}; !slices.Equal(b.Label, want) || !slices.Equal(b.Weight, []float32{1, 1, 1}) {
		t.Errorf("labels %v, want %v, weights %v", b.Label, want, b.Weight)
	}
	want := make([]float32, len(b.X))
	at := func(step, col, unit int) *float32 { return &want[(step*3+col)*task.I+unit] }
	*at(0, 0, 0), *at(1, 0, 2311) = 2, 1
	*at(1, 1, 3) = 0.5
	*at(0, 2, 1) = 1
	if !slices.Equal(b.X, want) {
		t.Error("the frames are not the events")
	}
	if !task.Test.(Fixed).Fixed() {
		t.Error("files do not stay the same")
	}
	limited := open(t, "recordings", Env{Dir: someRecordings(t, "")}, func(c Config) { c.(*Recordings).TrainLimit = 2 })
	if limited.Train.Len() != 2 {
		t.Errorf("%d samples, want 2", limited.Train.Len())
	}
	_, err := (&Recordings{Width: 30, Height: 34, Steps: 1, StepMs: 1}).Open(Env{Dir: someRecordings(t, "")})
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("error is %v, want ErrCorrupt", err)
	}
	wantOneLine(t, err, filepath.Join("Train", "cat", "1.bin"), "pixel of record 3 at offset 10 is x=33 y=33, want one of a sensor of 30 × 34", "set width and height")
}

// TestRecordingsInBins: steps that come with the events, and their lengths in the mask.
func TestRecordingsInBins(t *testing.T) {
	bins := func(ms float64) *Task {
		return open(t, "recordings", Env{Dir: someRecordings(t, "")}, func(c Config) {
			r := c.(*Recordings)
			r.Steps, r.StepMs, r.BinMs = 3, 10, ms
		})
	}
	task := bins(4)
	if !task.Irregular || !task.Masked || open(t, "recordings", Env{Dir: someRecordings(t, "")}, nil).Irregular {
		t.Error("bins have different lengths, frames have not")
	}
	b := NewBatch(task, 2)
	for index := range 2 { // cat with events at 0, 9.999 and 10 ms, dog with events at 15 and 300 ms
		if err := task.Train.Fill(b, index, 0, index); err != nil {
			t.Fatal(err)
		}
	}
	if want := []float32{0.4, 1.9, 0.9999, 28.5, 0, 0}; !slices.Equal(b.Mask, want) {
		t.Errorf("lengths %v, want %v", b.Mask, want)
	}
	want := make([]float32, len(b.X))
	at := func(step, col, unit int) *float32 { return &want[(step*2+col)*task.I+unit] }
	*at(0, 0, 0), *at(1, 0, 0), *at(1, 0, 2311) = 1, 1, 1
	*at(0, 1, 3), *at(1, 1, 3) = 0.5, 1
	if !slices.Equal(b.X, want) {
		t.Error("the bins are not the events")
	}
	_, err := (&Recordings{Width: 34, Height: 34, Steps: 1, StepMs: 10, BinMs: 1e-3}).Open(Env{Dir: someRecordings(t, "")})
	wantOneLine(t, err, filepath.Join("Train", "cat", "1.bin"), "need more than 1 bins", ErrConfig.Error())
}

// TestRecordingsAreChecked: Open finds what is wrong with a file by its size, its first line or, in
// a small collection, its content, and names it.
func TestRecordingsAreChecked(t *testing.T) {
	for _, c := range []struct{ name, raw, says string }{
		{"Train/cat/2.bin", "", "the file is empty"},
		{"Test/dog/7.bin", "1234567", "record 2 at offset 5 is 2 bytes long"},
		{"Train/dog/1.csv", "time,unit,weight\n1,1,1\n", "the first line is"},
		{"Test/dog/9.CSV", "time_ms,unit,weight\n1,1,1e39\n", `weight of record 1 in line 2 is "1e39"`},
		{"Train/dog/3.csv", "time_ms,unit,weight\n1,1,3e38\n2,1,3e38\n", "the weights of unit 1 up to 2 ms add up to +Inf"},
	} {
		dir := someRecordings(t, "")
		mustWrite(t, filepath.Join(dir, c.name), []byte(c.raw))
		_, err := newRecordings().Open(Env{Dir: dir})
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: error is %v, want ErrCorrupt", c.name, err)
		}
		wantOneLine(t, err, filepath.FromSlash(c.name), c.says)
	}
}

// TestRecordingsLate counts the events that come after the last step.
func TestRecordingsLate(t *testing.T) {
	dir := someRecordings(t, "")
	task := open(t, "recordings", Env{Dir: dir}, nil)
	want := []string{ // of 6 and 4 events; 300 ms is where the steps end
		"1 of 6 events in 3 training recordings come after the last step, which ends at 300 ms, and are left out; set steps or step_ms higher to take them in",
		"1 of 4 events in 1 test recordings come after the last step, which ends at 300 ms, and are left out; set steps or step_ms higher to take them in",
	}
	if !slices.Equal(task.Notes, want) {
		t.Errorf("notes are %q, want %q", task.Notes, want)
	}
	task = open(t, "recordings", Env{Dir: dir}, func(c Config) { c.(*Recordings).Steps = 900 })
	if len(task.Notes) > 0 {
		t.Errorf("notes are %q though all events are taken in", task.Notes)
	}
	// Of many recordings the first ones are read: here one, as that of the other class is large.
	mustWrite(t, filepath.Join(dir, "Train/cat/1.bin"), bytes.Repeat(address(0, 0, 0, 0x7fffff), inspectBytes/addressBytes+1))
	task = open(t, "recordings", Env{Dir: dir}, func(c Config) { c.(*Recordings).TestLimit = 1 })
	if len(task.Notes) != 2 || !strings.Contains(task.Notes[0], "3355444 of 3355444 events in the first 1 of 3 training recordings") {
		t.Errorf("notes are %q", task.Notes)
	}
}

// TestRecordingsLinksAndLitter: classes and recordings may be links, and what systems and tools
// leave behind is neither.
func TestRecordingsLinksAndLitter(t *testing.T) {
	dir := someRecordings(t, "")
	elsewhere := t.TempDir()
	mustWrite(t, filepath.Join(elsewhere, "owl", "1.bin"), address(1, 0, 0, 5))
	for _, name := range []string{"Train/.ipynb_checkpoints/x.bin", "Train/__MACOSX/cat/._1.bin", "Train/cat/._1.bin", "Train/.DS_Store", "Train/Thumbs.db",
		"Train/cat/.ipynb_checkpoints/1-checkpoint.bin", "Train/cat/desktop.ini", "Train/@eaDir/1.bin", "Test/lost+found/1.bin", "Test/dog/.7.bin.swp", "Train/cat/__pycache__/x"} {
		mustWrite(t, filepath.Join(dir, name), []byte("xx"))
	}
	for from, to := range map[string]string{filepath.Join(elsewhere, "owl"): "Train/owl", filepath.Join(elsewhere, "owl", "1.bin"): "Train/cat/3.bin"} {
		if err := os.Symlink(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	task := open(t, "recordings", Env{Dir: dir}, nil)
	if !slices.Equal(task.Classes, []string{"cat", "dog", "owl"}) || task.Train.Len() != 5 || task.Test.Len() != 1 {
		t.Errorf("classes %v, %d and %d samples, want cat, dog, owl, 5 and 1", task.Classes, task.Train.Len(), task.Test.Len())
	}
}

// TestRecordingsInOtherLetters: train and test are found like Train and Test, which go first.
func TestRecordingsInOtherLetters(t *testing.T) {
	dir := someRecordings(t, "")
	for _, name := range []string{"Train", "Test"} {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, strings.ToLower(name))); err != nil {
			t.Fatal(err)
		}
	}
	if task := open(t, "recordings", Env{Dir: dir}, nil); task.Train.Len() != 3 || task.Test.Len() != 1 {
		t.Errorf("%d and %d samples, want 3 and 1", task.Train.Len(), task.Test.Len())
	}
	mustWrite(t, filepath.Join(dir, "Test/dog/1.bin"), address(0, 0, 0, 0))
	mustWrite(t, filepath.Join(dir, "Test/dog/2.bin"), address(0, 0, 0, 0))
	if task := open(t, "recordings", Env{Dir: dir}, nil); task.Test.Len() != 2 {
		t.Errorf("%d samples for the test beside those of another folder, want the 2 of Test", task.Test.Len())
	}
}

func TestRecordingsMissing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(dir string) error
		says   string
	}{
		{"no Train", func(d string) error { return os.RemoveAll(filepath.Join(d, "Train")) }, "Train: the folder is missing, want it in "},
		{"no Test", func(d string) error { return os.RemoveAll(filepath.Join(d, "Test")) }, "Test: the folder is missing, want it beside Train"},
		{"no classes", func(d string) error {
			return errors.Join(os.RemoveAll(filepath.Join(d, "Train/cat")), os.RemoveAll(filepath.Join(d, "Train/dog")))
		}, "Train: the folder is without folders, want one for each class"},
		{"other classes", func(d string) error {
			return os.Rename(filepath.Join(d, "Test/dog"), filepath.Join(d, "Test/cow"))
		}, "cow: the folder is of a class that Train lacks, want one of cat, dog"},
		{"a class without recordings", func(d string) error { return os.Mkdir(filepath.Join(d, "Train/owl"), 0o777) },
			"owl: the folder is without recordings, want files .bin or .csv of the class, or no folder owl"},
		{"a recording beside the classes", func(d string) error {
			return os.Rename(filepath.Join(d, "Train/cat/1.bin"), filepath.Join(d, "Train/1.bin"))
		}, "Train: the folder is with the recording 1.bin beside the classes"},
		{"a link to nothing", func(d string) error { return os.Symlink("nothing", filepath.Join(d, "Train/cat/9.bin")) },
			"cat: the folder is with the link 9.bin, which leads nowhere"},
		{"a folder in a class", func(d string) error { return os.MkdirAll(filepath.Join(d, "Train/cat/more"), 0o777) },
			"cat: the folder is with the folder more, want files only"},
		{"no recordings", func(d string) error { return os.Remove(filepath.Join(d, "Test/dog/7.bin")) }, "Test: the folder is without recordings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := someRecordings(t, "")
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			e, err := Lookup("recordings")
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.New().Open(Env{Dir: dir})
			if !errors.Is(err, ErrMissing) {
				t.Errorf("error is %v, want ErrMissing", err)
			}
			wantOneLine(t, err, c.says, "put recordings there as Train/CLASS/NAME.bin")
		})
	}
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "Train"), nil)
	if _, err := (&Recordings{Width: 1, Height: 1, Steps: 1, StepMs: 1}).Open(Env{Dir: dir}); !isSystem(err) || !strings.Contains(err.Error(), "Train") {
		t.Errorf("error of a file named Train is %v, want one of the file system", err)
	}
}
