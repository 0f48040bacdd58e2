package engine

import (
	"errors"
	"fmt"
	"math/bits"

	"galvani/engine/setting"
	"galvani/kernels/optimisers"
)

// ErrOption is wrapped by every error about a training option.
var ErrOption = errors.New("bad option")

// Options are the settings of a training run: keys of config.toml and flags of the command line, with
// the tags that package setting reads.
type Options struct {
	Epochs     int  `toml:"epochs" doc:"Passes over the training set." min:"1"`
	MaxSteps   int  `toml:"max_steps" doc:"Updates after which training ends, and with it the course of the learning rate, whatever the epoch; 0 for no such end." min:"0"`
	Batch      int  `toml:"batch" doc:"Sequences per update." min:"1" max:"65536"`
	Shards     int  `toml:"shards" needs:"stateful=false" doc:"Parts, a power of two, that each batch is divided into: their gradients are added in one order, so that any number of ranks gives the same bits; 1 for the whole batch at once, 0 for 8 where ranks or accumulate divide the batch and otherwise 1." min:"0" max:"1024" before:"1"`
	Accumulate int  `toml:"accumulate" needs:"shards!=1; stateful=false" doc:"Parts, at the least, that each rank takes its share of a batch in, one after the other, so that training keeps the states of one part; the result is that of shards, whatever their number." min:"1" max:"1024"`
	Stateful   bool `toml:"stateful" needs:"continued=true" doc:"Carry the state at the end of a batch into the next one (truncated backpropagation through time): column c of all batches of an epoch goes through the c-th part of the sequences, in their order."`

	Optimizer   string  `toml:"optimizer" needs:"updates=by gradient" doc:"Update rule." oneof:"@optimizer"`
	LR          float64 `toml:"lr" doc:"Learning rate, at its peak." min:"0" max:"1000"`
	Momentum    float64 `toml:"momentum" needs:"optimizer=@optimizer.momentum" doc:"Momentum." min:"0" max:"1"`
	Nesterov    bool    `toml:"nesterov" needs:"optimizer=@optimizer.nesterov; momentum>0" doc:"Nesterov's form of the momentum."`
	Beta1       float64 `toml:"beta1" needs:"optimizer=@optimizer.beta1" doc:"Decay of the mean gradient." min:"0" max:"0.999999"`
	Beta2       float64 `toml:"beta2" needs:"optimizer=@optimizer.beta2" doc:"Decay of the mean squared gradient; of the mean gradient that lion keeps." min:"0" max:"0.99999999"`
	RMSAlpha    float64 `toml:"rms_alpha" needs:"optimizer=@optimizer.rms_alpha" doc:"Decay of the mean squared gradient of rmsprop." min:"0" max:"0.99999999"`
	Eps         float64 `toml:"eps" needs:"optimizer=@optimizer.eps" doc:"Added to the root of the mean squared gradient." min:"1e-30" max:"1"`
	WeightDecay float64 `toml:"weight_decay" needs:"updates=by gradient" doc:"Decay towards 0 of the parameters that decay_on names: decoupled with adamw and lion, otherwise added to the gradient." min:"0" max:"1000"`
	// DecayOn names roles (decayRoles) or parameters.
	DecayOn []string `toml:"decay_on" needs:"weight_decay>0" before:"all" doc:"Parameters that weight_decay acts on: matrices (input, recurrent and read-out weights), all, or names such as W, readout.weight."`
	// L1 and L2 hold entries that penalties reads.
	L1           []string `toml:"l1" needs:"network=recurrent" doc:"Penalty on weights in the loss, Σ strength·|w|: a strength for matrices, or PARAMETERS=STRENGTH with what decay_on takes, also input, recurrent and readout."`
	L2           []string `toml:"l2" needs:"network=recurrent" doc:"The same with Σ strength·w², which is part of the loss and of the gradient with every optimizer."`
	RateL1       float64  `toml:"rate_l1" needs:"network=recurrent" doc:"Strength of a penalty on the mean of |h| over steps, sequences and units, of each layer. With shards each has a mean of its own, which counts as its targets weigh: not quite the mean over the batch where sequences differ in length." min:"0" max:"1e9"`
	RateL2       float64  `toml:"rate_l2" needs:"network=recurrent" doc:"The same of h²." min:"0" max:"1e9"`
	RateTargetL2 float64  `toml:"rate_target_l2" needs:"network=recurrent" doc:"Strength of a penalty on (mean of h of a unit − rate_target)², averaged over units. With shards the mean of h is that over a shard, so units are held to the target in each." min:"0" max:"1e9"`
	RateTarget   float64  `toml:"rate_target" needs:"rate_target_l2>0" doc:"Mean of h that rate_target_l2 pulls each unit to." min:"-1e6" max:"1e6"`
	ChangeL2     float64  `toml:"change_l2" needs:"network=recurrent" doc:"Strength of a penalty on the mean of (h of a step − h of the step before)²." min:"0" max:"1e9"`

	Clip   float64 `toml:"clip" needs:"updates=by gradient" doc:"Largest norm of the gradient, without that of weights of the way back of a layered network; 0 for no limit." min:"0"`
	ClipBy string  `toml:"clip_by" needs:"updates=by gradient; clip>0" doc:"What clip limits: the norm of the whole gradient, or that of each parameter by itself (tensor), so that one whose gradient explodes does not hold up the others." oneof:"whole|tensor"`

	Schedule  string  `toml:"schedule" doc:"Course of the learning rate." oneof:"constant|cosine|step|onecycle|plateau"`
	Warmup    float64 `toml:"warmup" needs:"schedule=cosine|onecycle" doc:"Part of the run in which the rate rises." min:"0" max:"1"`
	LRFinal   float64 `toml:"lr_final" needs:"schedule=cosine|onecycle|plateau" doc:"Rate that cosine and onecycle come to after the last update, and the lowest of plateau, relative to lr." min:"0" max:"1"`
	StepEvery int     `toml:"step_every" needs:"schedule=step" doc:"Epochs between two drops of the rate with schedule step." min:"1"`
	StepDrop  float64 `toml:"step_drop" needs:"schedule=step|plateau" doc:"Factor of each drop with schedule step or plateau." min:"0" max:"1"`
	StepAfter int     `toml:"step_after" needs:"schedule=plateau" doc:"Evaluations in a row without improvement after which schedule plateau drops the rate." min:"1"`

	EvalEvery int `toml:"eval_every" doc:"Updates between two evaluations; 0 for one per epoch." min:"0"`
	Hessian   int `toml:"hessian" needs:"updates=by gradient" doc:"Steps of Lanczos at every evaluation for the smallest and the largest eigenvalue of the Hessian of the loss of the first training batch; 0 for none." min:"0" max:"1000"`
	Patience  int `toml:"patience" doc:"Evaluations without improvement after which training ends; 0 for never." min:"0"`
	// StopAt is compared with what Metrics.reaches.
	StopAt          float64 `toml:"stop_at" doc:"Accuracy of an evaluation from which training ends, or without classes the loss up to which; 0 for never." min:"0"`
	CheckpointEvery int     `toml:"checkpoint_every" doc:"Updates between two checkpoints; 0 for one per epoch." min:"0"`

	Seed uint64 `toml:"seed" doc:"Seed of initial parameters, order and generated samples."`
}

func init() {
	for _, e := range optimisers.All() {
		nameOptimizer(e)
	}
}

// RegisterOptimizer adds a rule of optimisation, which Options.Optimizer may then name. It is for init functions and panics on
// a name that is there already.
func RegisterOptimizer(e optimisers.Entry) {
	optimisers.Register(e)
	nameOptimizer(e)
}

// nameOptimizer adds the words of the tags above that name a rule: its name, and for each option that it reads.
func nameOptimizer(e optimisers.Entry) {
	setting.AddWord("optimizer", e.Name)
	for _, key := range e.Uses {
		setting.AddWord("optimizer."+key, e.Name)
	}
}

// DefaultOptions returns the options in effect where nothing is said.
func DefaultOptions() Options {
	return Options{
		Epochs: 10, Batch: 64, Accumulate: 1,
		Optimizer: "adam", LR: 1e-3, Momentum: 0.9, Beta1: 0.9, Beta2: 0.999, RMSAlpha: 0.99, Eps: 1e-8,
		Clip: 1, ClipBy: "whole", DecayOn: []string{"matrices"},
		Schedule: "constant", Warmup: 0.1, StepEvery: 10, StepDrop: 0.1, StepAfter: 5,
		Seed: 1,
	}
}

// usualShards is the number of shards of a batch that is divided, unless told otherwise: as many as a
// machine has GPUs.
const usualShards = 8

// Divide gives Shards its value where it is 0. Divided says that there are ranks among which batches are
// divided.
func (o *Options) Divide(divided bool) {
	switch {
	case o.Shards != 0:
	case divided || o.Accumulate > 1:
		o.Shards = max(usualShards, 1<<bits.Len(uint(o.Accumulate-1)))
	default:
		o.Shards = 1
	}
}

// Validate holds every option against its tags.
//
// Errors: ErrOption, naming key, got and want.
func (o Options) Validate() error {
	if err := setting.Check(&o); err != nil {
		return fmt.Errorf("engine: %w: %w", err, ErrOption)
	}
	return nil
}
