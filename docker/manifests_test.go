package docker_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// at follows keys and indices into a document.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for i, step := range path {
		var next any
		ok := false
		switch k := step.(type) {
		case string:
			if m, isMap := v.(map[string]any); isMap {
				next, ok = m[k]
			}
		case int:
			if l, isList := v.([]any); isList && k < len(l) {
				next, ok = l[k], true
			}
		}
		if !ok {
			t.Fatalf("no %v", path[:i+1])
		}
		v = next
	}
	return v
}

// expect compares the value at a path, written as fmt prints it.
func expect(t *testing.T, v any, want string, path ...any) {
	t.Helper()
	if got := fmt.Sprint(at(t, v, path...)); got != want {
		t.Errorf("%v: got %s, want %s", path, got, want)
	}
}

// readYAML reads all documents of a file. A key that comes twice is an error.
func readYAML(t *testing.T, path string, documents int) []any {
	t.Helper()
	var docs []any
	for d := yaml.NewDecoder(strings.NewReader(read(t, path))); ; {
		var doc any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		docs = append(docs, doc)
	}
	if len(docs) != documents {
		t.Fatalf("%s: got %d documents, want %d", path, len(docs), documents)
	}
	return docs
}

func TestCompose(t *testing.T) {
	doc := readYAML(t, "compose.yaml", 1)[0]
	services := at(t, doc, "services").(map[string]any)
	f := readDockerfile(t)
	for _, name := range []string{"cpu", "gpu"} {
		s := at(t, services, name)
		expect(t, s, "["+name+"]", "profiles")
		expect(t, s, "..", "build", "context")
		expect(t, s, "docker/Dockerfile", "build", "dockerfile")
		if _, ok := f.find(at(t, s, "build", "target").(string)); !ok {
			t.Errorf("%s: no stage %v in the Dockerfile", name, at(t, s, "build", "target"))
		}
		expect(t, s, "10001:10001", "user")
		expect(t, s, "true", "read_only")
		expect(t, s, "[/tmp]", "tmpfs")
		expect(t, s, "[ALL]", "cap_drop")
		expect(t, s, "[no-new-privileges:true]", "security_opt")
		expect(t, s, "60s", "stop_grace_period")
		for _, v := range at(t, s, "volumes").([]any) {
			volume, _, _ := strings.Cut(v.(string), ":")
			at(t, doc, "volumes", volume)
		}
	}
	expect(t, services["gpu"], "nvidia", "deploy", "resources", "reservations", "devices", 0, "driver")
	expect(t, services["gpu"], "[gpu]", "deploy", "resources", "reservations", "devices", 0, "capabilities")
	cpu := services["cpu"].(map[string]any)
	if _, ok := cpu["deploy"]; ok {
		t.Error("the cpu service asks for devices")
	}
	// What is no matter of the device is the same for both.
	gpu := services["gpu"].(map[string]any)
	for _, k := range []string{"profiles", "image", "build", "command", "deploy"} {
		delete(cpu, k)
		delete(gpu, k)
	}
	if d := cmp.Diff(cpu, gpu); d != "" {
		t.Errorf("-cpu +gpu\n%s", d)
	}
}

func TestJob(t *testing.T) {
	docs := readYAML(t, "kubernetes/job.yaml", 2)
	claim, job := docs[0], docs[1]
	expect(t, claim, "PersistentVolumeClaim", "kind")
	expect(t, job, "batch/v1", "apiVersion")
	expect(t, job, "Job", "kind")

	pod := at(t, job, "spec", "template", "spec")
	expect(t, pod, "Never", "restartPolicy") // podFailurePolicy needs it
	expect(t, pod, "60", "terminationGracePeriodSeconds")
	expect(t, pod, "false", "automountServiceAccountToken")
	expect(t, pod, "true", "securityContext", "runAsNonRoot")
	expect(t, pod, "10001", "securityContext", "runAsUser")
	expect(t, pod, "10001", "securityContext", "fsGroup")
	expect(t, pod, "RuntimeDefault", "securityContext", "seccompProfile", "type")

	c := at(t, pod, "containers", 0)
	expect(t, c, "1", "resources", "limits", "nvidia.com/gpu")
	expect(t, c, "false", "securityContext", "allowPrivilegeEscalation")
	expect(t, c, "true", "securityContext", "readOnlyRootFilesystem")
	expect(t, c, "[ALL]", "securityContext", "capabilities", "drop")
	if image := at(t, c, "image").(string); !strings.Contains(image, ":") || strings.HasSuffix(image, ":latest") {
		t.Errorf("image is %s, want a version", image)
	}
	expect(t, job, at(t, c, "name").(string), "spec", "podFailurePolicy", "rules", 1, "onExitCodes", "containerName")

	// A pod that was stopped must be begun again: 75 is not among the codes that end the Job.
	if codes := at(t, job, "spec", "podFailurePolicy", "rules", 1, "onExitCodes", "values").([]any); slices.Contains(codes, any(75)) {
		t.Errorf("exit codes %v end the Job, 75 must not", codes)
	}

	// Each mount has a volume, and the image's volumes and /tmp are mounted.
	var mounted []string
	for _, m := range at(t, c, "volumeMounts").([]any) {
		mounted = append(mounted, at(t, m, "mountPath").(string))
		name := at(t, m, "name")
		if !slices.ContainsFunc(at(t, pod, "volumes").([]any), func(v any) bool { return at(t, v, "name") == name }) {
			t.Errorf("no volume %v", name)
		}
	}
	if d := cmp.Diff([]string{"/galvani/runs", "/data", "/tmp"}, mounted); d != "" {
		t.Errorf("mounts: -want +got\n%s", d)
	}
	expect(t, pod, at(t, claim, "metadata", "name").(string), "volumes", 0, "persistentVolumeClaim", "claimName")

	script := at(t, c, "command", 2).(string)
	for _, want := range []string{"--device cuda", "exec galvani train --resume auto", "exec galvani train --model"} {
		if !strings.Contains(script, want) {
			t.Errorf("command %q, want %q in it", script, want)
		}
	}
}

// TestMPIJob holds launcher and workers to the rules of the Job, and lets them run what the image has.
func TestMPIJob(t *testing.T) {
	docs := readYAML(t, "kubernetes/mpijob.yaml", 2)
	claim, job := docs[0], docs[1]
	expect(t, claim, "[ReadWriteMany]", "spec", "accessModes")
	expect(t, job, "kubeflow.org/v2beta1", "apiVersion")
	expect(t, job, "MPIJob", "kind")
	for _, name := range []string{"Launcher", "Worker"} {
		pod := at(t, job, "spec", "mpiReplicaSpecs", name, "template", "spec")
		expect(t, pod, "true", "securityContext", "runAsNonRoot")
		expect(t, pod, "10001", "securityContext", "runAsUser")
		expect(t, pod, "false", "automountServiceAccountToken")
		c := at(t, pod, "containers", 0)
		expect(t, c, "true", "securityContext", "readOnlyRootFilesystem")
		expect(t, c, "[ALL]", "securityContext", "capabilities", "drop")
		for _, m := range at(t, c, "volumeMounts").([]any) {
			of := at(t, m, "name")
			if !slices.ContainsFunc(at(t, pod, "volumes").([]any), func(v any) bool { return at(t, v, "name") == of }) {
				t.Errorf("%s: no volume %v", name, of)
			}
		}
		expect(t, pod, at(t, claim, "metadata", "name").(string), "volumes", 0, "persistentVolumeClaim", "claimName")
	}
	keys := at(t, job, "spec", "sshAuthMountPath").(string)
	for _, path := range []string{"mpi/sshd_config", "mpi/ssh_config"} {
		if text := read(t, path); !strings.Contains(text, keys+"/id_rsa\n") || !strings.Contains(text, "Port 2222\n") {
			t.Errorf("%s has other keys than those in %s, or another port than 2222", path, keys)
		}
	}
	worker := at(t, job, "spec", "mpiReplicaSpecs", "Worker", "template", "spec", "containers", 0)
	expect(t, worker, "[/usr/sbin/sshd -De]", "command")
	expect(t, worker, "2222", "readinessProbe", "tcpSocket", "port")
	expect(t, worker, "1", "resources", "limits", "nvidia.com/gpu")
}
