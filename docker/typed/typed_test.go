// Package typed_test reads the Kubernetes manifests strictly into the types of the Kubernetes API, so that
// a misspelt field is an error. It is a module of its own: nothing else of the project needs these types.
package typed_test

import (
	"bytes"
	"os"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// mpiJob is what a kubeflow.org/v2beta1 MPIJob may hold, by the reference of the MPI operator, without what
// only its controller writes.
type mpiJob struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		SlotsPerWorker         *int32 `json:"slotsPerWorker"`
		RunLauncherAsWorker    *bool  `json:"runLauncherAsWorker"`
		SSHAuthMountPath       string `json:"sshAuthMountPath"`
		LauncherCreationPolicy string `json:"launcherCreationPolicy"`
		MPIImplementation      string `json:"mpiImplementation"`
		RunPolicy              struct {
			CleanPodPolicy          string `json:"cleanPodPolicy"`
			TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished"`
			ActiveDeadlineSeconds   *int64 `json:"activeDeadlineSeconds"`
			BackoffLimit            *int32 `json:"backoffLimit"`
			Suspend                 *bool  `json:"suspend"`
		} `json:"runPolicy"`
		MPIReplicaSpecs map[string]struct {
			Replicas      *int32               `json:"replicas"`
			RestartPolicy string               `json:"restartPolicy"`
			Template      core.PodTemplateSpec `json:"template"`
		} `json:"mpiReplicaSpecs"`
	} `json:"spec"`
}

func TestStrict(t *testing.T) {
	job := &mpiJob{}
	for path, into := range map[string][]any{
		"../kubernetes/job.yaml":    {&core.PersistentVolumeClaim{}, &batch.Job{}},
		"../kubernetes/mpijob.yaml": {&core.PersistentVolumeClaim{}, job},
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		docs := bytes.Split(text, []byte("\n---\n"))
		if len(docs) != len(into) {
			t.Fatalf("%s has %d documents, want %d", path, len(docs), len(into))
		}
		for i, doc := range docs {
			if err := yaml.UnmarshalStrict(doc, into[i]); err != nil {
				t.Errorf("%s, document %d: %v", path, i+1, err)
			}
			wrong := bytes.Replace(doc, []byte("metadata:"), []byte("metadate:"), 1)
			if err := yaml.UnmarshalStrict(wrong, into[i]); err == nil {
				t.Errorf("%s, document %d: a misspelt field is taken", path, i+1)
			}
		}
	}
	for name, n := range map[string]int32{"Launcher": 1, "Worker": 4} {
		r, ok := job.Spec.MPIReplicaSpecs[name]
		if !ok || r.Replicas == nil || *r.Replicas != n || len(r.Template.Spec.Containers) != 1 {
			t.Errorf("%s: %+v, want %d replicas of a container", name, r, n)
		}
	}
}
