package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"galvani/engine/infile"

	oracle "github.com/nlpodyssey/safetensors"
)

// sample is one tensor of every type, a scalar and an empty one, in no particular order.
func sample() []Tensor {
	return []Tensor{
		Uint8("flags", []int{3}, []uint8{0, 1, 255}),
		Float32("cell.W", []int{2, 3}, []float32{1, -2, float32(math.Inf(1)), 0, math.SmallestNonzeroFloat32, 6}),
		Int32("edges", []int{2, 1}, []int32{math.MinInt32, math.MaxInt32}),
		Float64("loss", nil, []float64{math.Pi}),
		Int64("step", []int{1}, []int64{math.MinInt64}),
		Float32("none", []int{0, 5}, nil),
		Float32("größe/β \"x\"", []int{1}, []float32{1}),
	}
}

func write(t testing.TB, tensors []Tensor, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// build makes a file of a header and n data bytes, without any check.
func build(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func TestRoundTrip(t *testing.T) {
	metadata := map[string]string{"a": "1", "text": "line\n\"quoted\" <&> \u2028 ü\x00", "": "empty key"}
	f, err := Decode(write(t, sample(), metadata), "sample")
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(f.Metadata, metadata) {
		t.Errorf("metadata %q, want %q", f.Metadata, metadata)
	}
	if len(f.Tensors) != len(sample()) {
		t.Errorf("%d tensors, want %d", len(f.Tensors), len(sample()))
	}
	for _, want := range sample() {
		got, ok := f.Tensor(want.Name)
		if !ok || got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("tensor %q: got %+v, want %+v", want.Name, got, want)
		}
	}
	if _, ok := f.Tensor("missing"); ok {
		t.Error("found a tensor that is not there")
	}
}

func TestValues(t *testing.T) {
	f, err := Decode(write(t, sample(), nil), "sample")
	if err != nil {
		t.Fatal(err)
	}
	get := func(name string) Tensor {
		x, _ := f.Tensor(name)
		return x
	}
	if v, err := get("cell.W").Float32s(); err != nil || v[1] != -2 || v[4] != math.SmallestNonzeroFloat32 {
		t.Errorf("F32: %v, %v", v, err)
	}
	if v, err := get("loss").Float64s(); err != nil || len(v) != 1 || v[0] != math.Pi {
		t.Errorf("F64: %v, %v", v, err)
	}
	if v, err := get("step").Int64s(); err != nil || v[0] != math.MinInt64 {
		t.Errorf("I64: %v, %v", v, err)
	}
	if v, err := get("edges").Int32s(); err != nil || v[0] != math.MinInt32 || v[1] != math.MaxInt32 {
		t.Errorf("I32: %v, %v", v, err)
	}
	if v := get("flags"); v.DType != U8 || !slices.Equal(v.Data, []uint8{0, 1, 255}) {
		t.Errorf("U8: %v", v)
	}
	if _, err := get("loss").Float32s(); err == nil || err.Error() != `safetensors: tensor "loss" is F64, want F32` {
		t.Errorf("F64 read as F32: %v", err)
	}
}

// TestBytes spells one file out: little-endian, ordered, padded to a multiple of eight.
func TestBytes(t *testing.T) {
	got := write(t, []Tensor{Float32("a", []int{1}, []float32{1}), Int64("b", nil, []int64{-2})}, map[string]string{"k": "v"})
	header := `{"__metadata__":{"k":"v"},"b":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`
	for len(header)%8 != 0 {
		header += " "
	}
	want := build(header, 0)
	want = append(want, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x80, 0x3f)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := write(t, nil, nil); !bytes.Equal(got, build("{}      ", 0)) {
		t.Errorf("empty file is %q", got)
	}
}

func TestDeterministicAndAligned(t *testing.T) {
	metadata := map[string]string{"b": "2", "a": "1", "c": "3"}
	want := write(t, sample(), metadata)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		s := sample()
		rng.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		if !bytes.Equal(write(t, s, maps.Clone(metadata)), want) {
			t.Fatal("the order of the tensors shows in the file")
		}
	}
	f, err := Decode(want, "sample")
	if err != nil {
		t.Fatal(err)
	}
	at := 8 + len(f.Header)
	for _, x := range f.Tensors {
		if at%x.DType.Size() != 0 {
			t.Errorf("tensor %q starts at byte %d, want a multiple of %d", x.Name, at, x.DType.Size())
		}
		at += len(x.Data)
	}
}

func TestWriteRefuses(t *testing.T) {
	ok := Float32("ok", []int{1}, []float32{1})
	for name, tensors := range map[string][]Tensor{
		"empty name":     {Float32("", nil, []float32{1})},
		"reserved name":  {Float32("__metadata__", nil, []float32{1})},
		"long name":      {Float32(strings.Repeat("x", 1025), nil, []float32{1})},
		"control":        {Float32("a\nb", nil, []float32{1})},
		"not UTF-8":      {Float32("\xff", nil, []float32{1})},
		"twice":          {ok, ok},
		"unknown type":   {{Name: "a", DType: "F8_E4M3", Shape: []int{2}, Data: []byte{0, 0}}},
		"wrong shape":    {Float32("a", []int{2}, []float32{1})},
		"negative shape": {Float32("a", []int{-1, -1}, []float32{1})},
		"overflow":       {Float32("a", []int{math.MaxInt, math.MaxInt, 0}, nil)},
	} {
		if err := Write(io.Discard, tensors, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	for _, m := range []map[string]string{{"\xff": ""}, {"a": "\xff"}} {
		if err := Write(io.Discard, nil, m); !errors.Is(err, ErrInvalid) {
			t.Errorf("metadata %q: got %v, want ErrInvalid", m, err)
		}
	}
}

// full is a writer with room for n bytes.
type full struct{ n int }

var errFull = errors.New("full")

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.n)
	f.n -= n
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func TestWriteFull(t *testing.T) {
	tensors := append(sample(), Float32("large", []int{5000}, make([]float32, 5000)))
	size := len(write(t, tensors, nil))
	for _, n := range []int{0, 7, 8, 100, 4096, 8000, size - 1} {
		if err := Write(&full{n}, tensors, nil); !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: got %v, want the writer's error", n, size, err)
		}
	}
	if err := Write(&full{size}, tensors, nil); err != nil {
		t.Error(err)
	}
}

// rules are headers that break one rule each, with the data bytes behind and what the message
// must say.
var rules = map[string]struct {
	header string
	data   int
	says   string
}{
	"leading space":     {` {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "does not start with '{'"},
	"empty header":      {``, 0, "does not start with '{'"},
	"array":             {`[]`, 0, "does not start with '{'"},
	"duplicate tensor":  {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, `key "a" comes twice`},
	"duplicate, moved":  {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, `key "a" comes twice`},
	"duplicate escaped": {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, `key "a" comes twice`},
	"duplicate field":   {`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, `key "dtype" comes twice`},
	"duplicate meta":    {`{"__metadata__":{},"__metadata__":{}}`, 0, `key "__metadata__" comes twice`},
	"duplicate in meta": {`{"__metadata__":{"k":"1","k":"2"}}`, 0, `key "k" comes twice`},
	"hole":              {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12, `tensor "b": corrupt file: begins at data byte 8, want 4 (hole)`},
	"hole at start":     {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, "want 0 (hole)"},
	"overlap":           {`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, `tensor "b": corrupt file: begins at data byte 4, want 8 (overlap)`},
	"same range":        {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "(overlap)"},
	"trailing bytes":    {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 5, "5 data bytes in the file, want 4"},
	"data missing":      {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 3, "3 data bytes in the file, want 4"},
	"data unnamed":      {`{}`, 1, "1 data bytes in the file, want 0"},
	"range backwards":   {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4, "data_offsets [4,0]"},
	"range too short":   {`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4, "want 8 bytes for shape [2] of F32"},
	"shape overflow":    {`{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}`, 16, "does not fit 63 bits"},
	"overflow and zero": {`{"a":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,0]}}`, 0, "does not fit 63 bits"},
	"dimension too big": {`{"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0]}}`, 0, "does not fit 63 bits"},
	"negative shape":    {`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4, "not negative"},
	"float shape":       {`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`, 4, "got '.'"},
	"exponent":          {`{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}`, 4, "got 'e'"},
	"leading zero":      {`{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}`, 4, "starts with 0"},
	"shape a string":    {`{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}`, 4, "want '['"},
	"one offset":        {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`, 4, "data_offsets has 1 numbers"},
	"three offsets":     {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}`, 4, "data_offsets has 3 numbers"},
	"unknown field":     {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"code":"x"}}`, 4, `unknown field "code"`},
	"folded case":       {`{"a":{"DType":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, `unknown field "DType"`},
	"no dtype":          {`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4, "dtype is missing"},
	"no shape":          {`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4, "shape is missing"},
	"no offsets":        {`{"a":{"dtype":"F32","shape":[1]}}`, 4, "data_offsets is missing"},
	"tensor null":       {`{"a":null}`, 0, "want '{'"},
	"metadata number":   {`{"__metadata__":{"k":1}}`, 0, `metadata "k"`},
	"metadata word":     {`{"__metadata__":nil}`, 0, "want '{'"},
	"tensor a word":     {`{"a":nullnull}`, 0, "want '{'"},
	"metadata nested":   {`{"__metadata__":{"k":{}}}`, 0, `metadata "k"`},
	"empty name":        {`{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "name is empty"},
	"control in name":   {`{"a\u0000":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "control character"},
	"long name":         {`{"` + strings.Repeat("n", 1025) + `":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "name has 1025 bytes"},
	"not UTF-8":         {"{\"\xff\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "not UTF-8"},
	"lone surrogate":    {`{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "surrogate"},
	"wrong pair":        {`{"\ud800\u0041":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "surrogate"},
	"bad escape":        {`{"\x":{}}`, 0, "unknown escape"},
	"short escape":      {`{"\u00"}`, 0, "four hexadecimal digits"},
	"raw line end":      {"{\"a\n\":{}}", 0, "control character"},
	"open string":       {`{"a`, 0, "string has no end"},
	"open escape":       {`{"a\`, 0, "string has no end"},
	"open object":       {`{"a":{"dtype":"F32"`, 0, "got the end"},
	"comma at end":      {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}`, 4, `want '"'`},
	"no colon":          {`{"a" {}}`, 0, "want ':'"},
	"second value":      {`{}{}`, 0, "want spaces only"},
	"tab behind":        {"{}\t", 0, "want spaces only"},
	"zero behind":       {"{}\x00", 0, "want spaces only"},
}

func TestRules(t *testing.T) {
	for name, c := range rules {
		_, err := Decode(build(c.header, c.data), "dir/bad.safetensors")
		switch {
		case !errors.Is(err, ErrCorrupt):
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		case !strings.HasPrefix(err.Error(), "safetensors: dir/bad.safetensors: "), !strings.Contains(err.Error(), c.says), strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: message %q, want one line with the file and %q", name, err, c.says)
		}
	}
	_, err := Decode(build(`{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}`, 2), "x")
	if !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrCorrupt) {
		t.Errorf("F8_E4M3: got %v, want ErrUnsupported", err)
	}
}

// TestLenience accepts what the format allows and other writers produce.
func TestLenience(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		data   int
	}{
		"any order":    {`{"b":{"shape":[1],"data_offsets":[4,8],"dtype":"F32"},"a":{"data_offsets":[0,4],"dtype":"I32","shape":[]}}`, 8},
		"white space":  {"{ \"a\" :\n{ \"dtype\" : \"F32\", \"shape\" : [ 1 , 1 ], \"data_offsets\":[0 ,\t4] } }   ", 4},
		"escapes":      {`{"\u00e9\ud83d\ude00\"\\\/":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1},
		"empty tensor": {`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"c":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]}}`, 4},
		"metadata":     {`{"__metadata__":{"format":"pt","\n":"\b\f\n\r\t"}}`, 0},
	} {
		b := build(c.header, c.data)
		if _, err := Decode(b, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := oracle.Deserialize(b); err != nil {
			t.Errorf("%s: the example itself is wrong: %v", name, err)
		}
	}
}

func TestTruncated(t *testing.T) {
	b := write(t, sample(), map[string]string{"k": "v"})
	if len(b) > 4096 {
		t.Fatalf("sample has %d bytes, want at most 4096", len(b))
	}
	for n := range b {
		if _, err := Decode(b[:n], "cut"); !errors.Is(err, ErrCorrupt) {
			t.Errorf("first %d of %d bytes: got %v, want ErrCorrupt", n, len(b), err)
		}
	}
}

// TestShrinking has a file that gets shorter while it is read.
func TestShrinking(t *testing.T) {
	b := write(t, sample(), nil)
	for _, n := range []int{3, 30, len(b) - 1} {
		if _, err := Read(bytes.NewReader(b[:n]), int64(len(b)), "shrinking"); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d of %d bytes: got %v, want ErrCorrupt", n, len(b), err)
		}
	}
}

// TestFlippedBits flips single bits. Those of the data are the caller's to find; those of the
// header are found here or leave a file that the format allows.
func TestFlippedBits(t *testing.T) {
	b := write(t, sample(), map[string]string{"k": "v"})
	rng := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		bad := bytes.Clone(b)
		bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
		if _, err := Decode(bad, "flipped"); err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("got %v, want ErrCorrupt or ErrUnsupported", err)
			}
			continue
		}
		if _, err := oracle.Deserialize(bad); err != nil {
			t.Errorf("accepted what another reader refuses: %v", err)
		}
	}
}

// TestHugeHeader announces more than there is. Nothing of that size may be allocated.
func TestHugeHeader(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, n := range []uint64{9, 1 << 20, maxHeader, maxHeader + 1, 1 << 40, math.MaxInt64, math.MaxUint64 - 7, math.MaxUint64} {
		b := binary.LittleEndian.AppendUint64(nil, n)
		b = append(b, "{}      "...)
		_, err := Decode(b, "huge")
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("header length %d, want at most 8", n)) {
			t.Errorf("header length %d: got %v", n, err)
		}
	}
	if _, err := Read(strings.NewReader(""), math.MaxInt64, "sparse"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("sparse file: got %v, want ErrCorrupt", err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("allocated %d bytes for headers that are not there", grown)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.safetensors")
	if err := os.WriteFile(path, write(t, sample(), nil), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil || len(f.Tensors) != len(sample()) {
		t.Errorf("got %v, %v", f, err)
	}
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
	if _, err := Open(dir); !errors.Is(err, infile.ErrNotRegular) {
		t.Errorf("directory: got %v, want ErrNotRegular", err)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path+": corrupt file: 0 bytes, want at least 8") {
		t.Errorf("empty file: got %v", err)
	}
}

// same reports how our reading of a file differs from that of the other library.
func same(f *File, b []byte) error {
	o, err := oracle.Deserialize(b)
	if err != nil {
		return fmt.Errorf("refused by the other reader: %w", err)
	}
	if o.Len() != len(f.Tensors) {
		return fmt.Errorf("%d tensors, the other reader finds %d", len(f.Tensors), o.Len())
	}
	for _, x := range f.Tensors {
		y, ok := o.Tensor(x.Name)
		shape := make([]int, len(y.Shape()))
		for i, n := range y.Shape() {
			shape[i] = int(n)
		}
		if !ok || y.DType().String() != string(x.DType) || !slices.Equal(shape, x.Shape) || !bytes.Equal(y.Data(), x.Data) {
			return fmt.Errorf("tensor %q: %v, the other reader finds %v", x.Name, x, y)
		}
	}
	_, m, err := oracle.ReadMetadata(b)
	if err != nil {
		return err
	}
	if !maps.Equal(m.Metadata(), f.Metadata) {
		return fmt.Errorf("metadata %q, the other reader finds %q", f.Metadata, m.Metadata())
	}
	return nil
}

// TestOracle reads files of random tensors with both libraries, and files of the other with ours.
func TestOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	types := []DType{F32, F64, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, Bool}
	for range 200 {
		var tensors []Tensor
		theirs := map[string]oracle.TensorView{}
		for i := range rng.IntN(6) {
			x := Tensor{Name: fmt.Sprintf("t%d.%c", i, 'a'+rng.IntN(26)), DType: types[rng.IntN(len(types))], Shape: []int{}}
			var dims []uint64
			n := x.DType.Size()
			for range 1 + rng.IntN(3) { // the other library reads scalars but does not write them
				d := rng.IntN(5)
				x.Shape, dims, n = append(x.Shape, d), append(dims, uint64(d)), n*d
			}
			x.Data = make([]byte, n)
			for j := range x.Data {
				x.Data[j] = byte(rng.Uint32())
			}
			tensors = append(tensors, x)
			d, err := oracle.ParseDType(string(x.DType))
			if err != nil {
				t.Fatal(err)
			}
			if theirs[x.Name], err = oracle.NewTensorView(d, dims, x.Data); err != nil {
				t.Fatal(err)
			}
		}
		metadata := map[string]string{"k": fmt.Sprint(rng.Uint64())}
		foreign, err := oracle.Serialize(theirs, metadata)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{write(t, tensors, metadata), foreign} {
			f, err := Decode(b, "random")
			if err != nil {
				t.Fatal(err)
			}
			if err := same(f, b); err != nil {
				t.Fatal(err)
			}
			if again := write(t, f.Tensors, f.Metadata); !bytes.Equal(again, write(t, tensors, metadata)) {
				t.Fatal("written again the file differs")
			}
		}
	}
}

// FuzzSafetensors wants every accepted input to be accepted by the other reader with the same
// content, and to survive being written and read again.
func FuzzSafetensors(f *testing.F) {
	f.Add(write(f, sample(), map[string]string{"k": "v"}))
	f.Add(write(f, nil, nil))
	f.Add([]byte{})
	for _, c := range rules {
		f.Add(build(c.header, c.data))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Decode(b, "fuzz")
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("got %v, want ErrCorrupt or ErrUnsupported", err)
			}
			return
		}
		if err := same(x, b); err != nil {
			t.Error(err)
		}
		again, err := Decode(write(t, x.Tensors, x.Metadata), "again")
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(again.Metadata, x.Metadata) || len(again.Tensors) != len(x.Tensors) {
			t.Error("written and read again the file differs")
		}
		for _, a := range x.Tensors {
			if c, _ := again.Tensor(a.Name); !bytes.Equal(a.Data, c.Data) || !slices.Equal(a.Shape, c.Shape) || a.DType != c.DType {
				t.Errorf("tensor %q differs after writing and reading", a.Name)
			}
		}
	})
}
