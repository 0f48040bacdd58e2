package rundir

import "testing"

func TestCPUName(t *testing.T) {
	info := "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: other\n"
	if got, want := cpuName(info), "AMD EPYC family 25 model 17"; got != want {
		t.Errorf("name is %q, want %q", got, want)
	}
	if cpuName("processor : 0\n") == "" {
		t.Error("a processor without a name is not named by its architecture")
	}
}
