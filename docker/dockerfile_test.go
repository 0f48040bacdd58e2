// Package docker_test holds the files of this folder to the project's rules for images.
package docker_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// instruction is one instruction of a Dockerfile, continuation lines joined.
type instruction struct {
	line int    // of its first line, from 1
	name string // in capitals
	args string
}

// stage is what stands between two FROM lines.
type stage struct {
	name string // after AS, or empty
	base string // of FROM, arguments of the head put in
	body []instruction
}

// dockerfile is a parsed Dockerfile.
type dockerfile struct {
	args   map[string]string // defaults of ARG before the first FROM
	stages []stage
}

// parseDockerfile reads instructions, comments and continuation lines; heredocs and parser
// directives, which no file here has, are refused.
func parseDockerfile(text string) (*dockerfile, error) {
	f := &dockerfile{args: map[string]string{}}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		first, joined := i+1, ""
		for ; ; i++ {
			t := strings.TrimSpace(lines[i])
			if strings.HasPrefix(t, "#") {
				if joined == "" {
					break
				}
				t = `\`
			}
			more := strings.HasSuffix(t, `\`)
			joined += strings.TrimSuffix(t, `\`)
			if !more || i+1 == len(lines) {
				break
			}
		}
		if joined == "" {
			continue
		}
		name, args, _ := strings.Cut(joined, " ")
		in := instruction{first, strings.ToUpper(name), strings.TrimSpace(args)}
		if strings.Contains(in.args, "<<") {
			return nil, fmt.Errorf("line %d: heredoc", first)
		}
		if err := f.add(in); err != nil {
			return nil, err
		}
	}
	if len(f.stages) == 0 {
		return nil, fmt.Errorf("no FROM")
	}
	return f, nil
}

func (f *dockerfile) add(in instruction) error {
	switch {
	case in.name == "FROM":
		base, name, _ := strings.Cut(in.args, " AS ")
		f.stages = append(f.stages, stage{name: name, base: os.Expand(base, func(k string) string { return f.args[k] })})
	case len(f.stages) > 0:
		last := &f.stages[len(f.stages)-1]
		last.body = append(last.body, in)
	case in.name == "ARG":
		k, v, _ := strings.Cut(in.args, "=")
		f.args[k] = v
	default:
		return fmt.Errorf("line %d: %s before FROM", in.line, in.name)
	}
	return nil
}

// find returns the stage of a name.
func (f *dockerfile) find(name string) (stage, bool) {
	i := slices.IndexFunc(f.stages, func(s stage) bool { return s.name == name })
	if i < 0 {
		return stage{}, false
	}
	return f.stages[i], true
}

// inherited returns the instructions that make up the image of a stage, those of its bases first.
func (f *dockerfile) inherited(s stage) []instruction {
	if base, ok := f.find(s.base); ok && base.name != s.name {
		return append(f.inherited(base), s.body...)
	}
	return slices.Clone(s.body)
}

// last returns the arguments of the last instruction of a name.
func last(body []instruction, name string) string {
	for _, in := range slices.Backward(body) {
		if in.name == name {
			return in.args
		}
	}
	return ""
}

var (
	pinned  = regexp.MustCompile(`^[a-z0-9.-]+(/[a-z0-9.-]+)+:[A-Za-z0-9._-]*[0-9][A-Za-z0-9._-]*@sha256:[0-9a-f]{64}$`)
	userID  = regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`)
	secret  = regexp.MustCompile(`(?i)(passw|secret|token|api_?key|credential|private_?key)`)
	address = regexp.MustCompile(`(?i)\b(https?|ftp|git)://`)
)

// lint returns what in a Dockerfile is against the rules; targets are the stages that become images.
func lint(f *dockerfile, targets ...string) []string {
	var found []string
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, s := range f.stages {
		if _, own := f.find(s.base); !own && !pinned.MatchString(s.base) {
			report("base %s is not pinned by version and digest", s.base)
		}
		for _, in := range s.body {
			lintInstruction(in, report)
		}
	}
	for _, name := range targets {
		s, ok := f.find(name)
		if !ok {
			report("no stage %s", name)
			continue
		}
		body := f.inherited(s)
		if u := last(body, "USER"); !userID.MatchString(u) {
			report("%s: user is %q, want numbers other than 0", name, u)
		}
		if e := last(body, "ENTRYPOINT"); !strings.HasPrefix(e, "[") {
			report("%s: entry point is %q, want the exec form", name, e)
		}
		if last(body, "STOPSIGNAL") != "SIGTERM" {
			report("%s: stop signal is %q, want SIGTERM", name, last(body, "STOPSIGNAL"))
		}
	}
	return found
}

func lintInstruction(in instruction, report func(string, ...any)) {
	switch in.name {
	case "ADD":
		report("line %d: ADD; COPY does not fetch or unpack", in.line)
	case "ENTRYPOINT", "CMD", "VOLUME":
		if !strings.HasPrefix(in.args, "[") {
			report("line %d: %s in shell form", in.line, in.name)
		}
	case "ENV", "ARG":
		if secret.MatchString(in.args) {
			report("line %d: %s looks like a secret, which would stay in the image", in.line, in.name)
		}
	case "WORKDIR":
		if !strings.HasPrefix(in.args, "/") {
			report("line %d: WORKDIR %s is relative", in.line, in.args)
		}
	case "RUN":
		if strings.Contains(in.args, "apt-get install") && !strings.Contains(in.args, "--no-install-recommends") {
			report("line %d: apt-get install without --no-install-recommends", in.line)
		}
		if strings.Contains(in.args, "apt-get") && !strings.Contains(in.args, "rm -rf /var/lib/apt/lists/*") {
			report("line %d: apt-get leaves its lists in the layer", in.line)
		}
		if strings.Contains(in.args, "sudo ") || strings.Contains(in.args, "chmod 777") || strings.Contains(in.args, "+s ") {
			report("line %d: sudo, setuid or a folder open to all", in.line)
		}
		if address.MatchString(in.args) {
			report("line %d: RUN fetches from an address", in.line)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readDockerfile(t *testing.T) *dockerfile {
	t.Helper()
	f, err := parseDockerfile(read(t, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDockerfileKeepsRules(t *testing.T) {
	for _, finding := range lint(readDockerfile(t), "cpu", "gpu", "mpi") {
		t.Error(finding)
	}
}

// TestLintFindsFaults plants one fault at a time into a Dockerfile that keeps the rules.
func TestLintFindsFaults(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	good := "ARG BASE=docker.io/library/debian:12.1-slim" + digest + `
FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc \
	# a comment between two lines
	&& rm -rf /var/lib/apt/lists/*
FROM ${BASE} AS gpu
WORKDIR /galvani
ENV HOME=/tmp
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/galvani"]
`
	findings := func(text string) []string {
		f, err := parseDockerfile(text)
		if err != nil {
			t.Fatal(err)
		}
		return lint(f, "gpu")
	}
	if got := findings(good); len(got) > 0 {
		t.Fatalf("got %q for a file that keeps the rules", got)
	}
	for _, c := range []struct{ old, new, want string }{
		{digest, "", "not pinned"},
		{":12.1-slim", ":latest", "not pinned"},
		{":12.1-slim", "", "not pinned"},
		{"AS gpu", "AS other", "no stage gpu"},
		{"USER 10001:10001", "USER nobody", "user is"},
		{"USER 10001:10001", "USER 10001:10001\nUSER 0:0", "user is"},
		{"USER 10001:10001\n", "", "user is"},
		{`["/galvani"]`, "/galvani", "exec form"},
		{"STOPSIGNAL SIGTERM\n", "", "stop signal"},
		{" --no-install-recommends", "", "--no-install-recommends"},
		{"&& rm -rf /var/lib/apt/lists/*", "&& true", "leaves its lists"},
		{"WORKDIR /galvani", "WORKDIR work", "relative"},
		{"WORKDIR /galvani", "ADD https://example.org/x /x", "ADD"},
		{"WORKDIR /galvani", "RUN curl -O https://example.org/x", "fetches"},
		{"WORKDIR /galvani", "RUN chmod u+s /x", "setuid"},
		{"ENV HOME=/tmp", "ENV API_KEY=x", "secret"},
		{"ENV HOME=/tmp", "VOLUME /data", "shell form"},
	} {
		got := strings.Join(findings(strings.ReplaceAll(good, c.old, c.new)), "\n")
		if !strings.Contains(got, c.want) {
			t.Errorf("%q for %q: got findings %q, want %q", c.new, c.old, got, c.want)
		}
	}
}

// TestImages holds both images to what compose.yaml, job.yaml and the README say of them.
func TestImages(t *testing.T) {
	f := readDockerfile(t)
	if got := f.stages[len(f.stages)-1].name; got != "gpu" {
		t.Errorf("the image of a build without --target is %q, want gpu", got)
	}
	for name, nvidia := range map[string]bool{"cpu": false, "gpu": true} {
		s, ok := f.find(name)
		if !ok {
			t.Fatalf("no stage %s", name)
		}
		body := f.inherited(s)
		got := map[string]string{}
		for _, k := range []string{"USER", "WORKDIR", "VOLUME", "ENTRYPOINT"} {
			got[k] = last(body, k)
		}
		want := map[string]string{"USER": "10001:10001", "WORKDIR": "/galvani", "VOLUME": `["/galvani/runs", "/data"]`,
			"ENTRYPOINT": `["/usr/local/bin/galvani"]`}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
		env := ""
		for _, in := range body {
			if in.name == "ENV" {
				env += " " + in.args
			}
		}
		for _, v := range []string{"HOME=/tmp", "XDG_CACHE_HOME=/data", "CUDA_CACHE_PATH=/tmp/"} {
			if !strings.Contains(env, v) {
				t.Errorf("%s: environment%s, want %s", name, env, v)
			}
		}
		for _, v := range []string{"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
			"LD_LIBRARY_PATH=/usr/local/nvidia/lib64"} {
			if strings.Contains(env, v) != nvidia {
				t.Errorf("%s: %s set is %v, want %v", name, v, !nvidia, nvidia)
			}
		}
		if strings.Contains(env, "NVIDIA_REQUIRE") {
			t.Errorf("%s: NVIDIA_REQUIRE_* keeps the container from starting on the CPU", name)
		}
	}
}

// TestBuildBaseHasGo holds the Go of the build image to go.mod's.
func TestBuildBaseHasGo(t *testing.T) {
	base := readDockerfile(t).args["BUILD_BASE"]
	have := regexp.MustCompile(`/golang:(\d+)\.(\d+)\.\d+-bookworm@`).FindStringSubmatch(base)
	need := regexp.MustCompile(`(?m)^go (\d+)\.(\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	if have == nil || need == nil {
		t.Fatalf("versions of %s and go.mod: got %v and %v", base, have, need)
	}
	var hMajor, hMinor, nMajor, nMinor int
	if _, err := fmt.Sscan(strings.Join(append(have[1:], need[1:]...), " "), &hMajor, &hMinor, &nMajor, &nMinor); err != nil {
		t.Fatal(err)
	}
	if hMajor != nMajor || hMinor < nMinor {
		t.Errorf("the build image has Go %d.%d, go.mod wants %d.%d", hMajor, hMinor, nMajor, nMinor)
	}
}

// TestContextLeavesOut keeps what was built on the host, and history, out of the image.
func TestContextLeavesOut(t *testing.T) {
	ignored := strings.Fields(read(t, "../.dockerignore"))
	for _, name := range []string{".git", "bin", "build", "runs"} {
		if !slices.Contains(ignored, name) {
			t.Errorf(".dockerignore has %v, want %s", ignored, name)
		}
	}
}
