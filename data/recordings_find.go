package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/engine/infile"
)

// recordingsDirs finds the folders of training and test in the data folder or one of its folders. Their
// names may be in small or capital letters; those of N-MNIST, Train and Test, go first.
//
// Errors: ErrMissing, or what the file system says.
func recordingsDirs(dir string) (training, test string, err error) {
	var places []string
	for _, name := range []string{"nmnist", "N-MNIST", "recordings", ""} {
		place := filepath.Join(dir, name)
		training, err = folded(place, "Train")
		if err == nil {
			test, err = folded(place, "Test")
			if errors.Is(err, fs.ErrNotExist) {
				err = noRecordings(filepath.Join(place, "Test"), "missing", "it beside "+filepath.Base(training), err)
			}
			return training, test, err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
		places = append(places, place)
	}
	return "", "", noRecordings("Train", "missing", "it in "+strings.Join(places, " or "), fs.ErrNotExist)
}

// folded returns the path of what has a name in dir, in other letters where nothing has it as it stands.
//
// Errors: what the file system says, fs.ErrNotExist among it.
func folded(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return path, nil
	case !errors.Is(err, fs.ErrNotExist):
		return path, systemError(err)
	}
	entries, unread := os.ReadDir(dir)
	if unread != nil {
		return path, systemError(unread)
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), name) {
			return filepath.Join(dir, e.Name()), nil
		}
	}
	return path, err
}

// noRecordings is the error of a folder that is not there or not as it should be.
func noRecordings(folder, got, want string, cause error) error {
	return &FileError{File: folder, Where: "the folder", Got: got, Want: want,
		Remedy: "put recordings there as Train/CLASS/NAME.bin and Test/CLASS/NAME.bin", Kind: ErrMissing, Err: cause}
}

// litter are names that systems and tools give to files and folders of their own, in small letters.
var litter = []string{"__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found",
	"system volume information", "$recycle.bin", "@eadir", "#recycle"}

// isLitter reports whether a name is of no data: a dot file, a file of the system, an editor's copy.
func isLitter(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || slices.Contains(litter, strings.ToLower(name))
}

// isTable and isAddresses tell the two kinds of recordings by their names.
func isTable(path string) bool     { return strings.EqualFold(filepath.Ext(path), ".csv") }
func isAddresses(path string) bool { return strings.EqualFold(filepath.Ext(path), ".bin") }

// entry is what a name in a folder stands for, links followed.
type entry struct {
	path string
	info fs.FileInfo
}

// list returns what is in a folder, sorted by name, without litter.
func list(dir string) ([]entry, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, systemError(err)
	}
	var found []entry
	for _, n := range names {
		if isLitter(n.Name()) {
			continue
		}
		path := filepath.Join(dir, n.Name())
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, noRecordings(dir, "with the link "+n.Name()+", which leads nowhere", "files and links to them", err)
		}
		if err != nil {
			return nil, systemError(err)
		}
		found = append(found, entry{path, info})
	}
	return found, nil
}

// classFolders returns the folders of the classes in dir, sorted by name.
func classFolders(dir string) ([]string, error) {
	entries, err := list(dir)
	if err != nil {
		return nil, err
	}
	var classes []string
	for _, e := range entries {
		switch {
		case e.info.IsDir():
			classes = append(classes, filepath.Base(e.path))
		case isTable(e.path) || isAddresses(e.path):
			return nil, noRecordings(dir, "with the recording "+filepath.Base(e.path)+" beside the classes", "recordings in the folders of their classes", nil)
		}
	}
	if len(classes) == 0 {
		return nil, noRecordings(dir, "without folders", "one for each class", nil)
	}
	return classes, nil
}

// classRecordings returns the recordings in the folder of a class, sorted by name.
func classRecordings(dir string, class int) ([]recording, error) {
	entries, err := list(dir)
	if err != nil {
		return nil, err
	}
	var found []recording
	for _, e := range entries {
		switch {
		case e.info.IsDir():
			return nil, noRecordings(dir, "with the folder "+filepath.Base(e.path), "files only, .bin or .csv", nil)
		case isTable(e.path) || isAddresses(e.path):
			if err := infile.Regular(e.path, e.info.Mode()); err != nil {
				return nil, systemError(err)
			}
			found = append(found, recording{e.path, class, e.info.Size()})
		}
	}
	return found, nil
}

// trainRecordings returns the names of the classes and the recordings of each, at least one.
func trainRecordings(dir string) (classes []string, lists [][]recording, err error) {
	if classes, err = classFolders(dir); err != nil {
		return nil, nil, err
	}
	for k, name := range classes {
		list, err := classRecordings(filepath.Join(dir, name), k)
		if err != nil {
			return nil, nil, err
		}
		if len(list) == 0 {
			return nil, nil, noRecordings(filepath.Join(dir, name), "without recordings", "files .bin or .csv of the class, or no folder "+name, nil)
		}
		lists = append(lists, list)
	}
	return classes, lists, nil
}

// testRecordings returns the recordings of the classes of Train; some may have none.
func testRecordings(dir string, classes []string) ([][]recording, error) {
	names, err := classFolders(dir)
	if err != nil {
		return nil, err
	}
	var lists [][]recording
	total := 0
	for _, name := range names {
		class := slices.Index(classes, name)
		if class < 0 {
			return nil, noRecordings(filepath.Join(dir, name), "of a class that Train lacks", "one of "+strings.Join(classes, ", "), nil)
		}
		list, err := classRecordings(filepath.Join(dir, name), class)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
		total += len(list)
	}
	if total == 0 {
		return nil, noRecordings(dir, "without recordings", "files .bin or .csv in the folders of the classes", nil)
	}
	return lists, nil
}
