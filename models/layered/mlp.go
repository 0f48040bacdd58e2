package layered

import (
	"fmt"
	"math"

	"galvani/engine/setting"
	"galvani/models/rules"
)

// MLP is the settings of the model mlp.
type MLP struct {
	Hidden        []int   `toml:"hidden" doc:"units of each hidden layer, from the first" min:"1" max:"65536" nonempty:"true"`
	Rule          string  `toml:"rule" doc:"what comes back to the hidden units in place of the gradient, see galvani rules list" oneof:"@rule of mlp"`
	Symmetry      string  `toml:"symmetry" needs:"rule=sign-symmetry" doc:"sizes of the weights of the way back: usf takes one for all, frsf draws them once, brsf draws them anew at every update" oneof:"usf|frsf|brsf"`
	Activation    string  `toml:"activation" doc:"rate as a function of the sum of the inputs" oneof:"relu|tanh|sigmoid|softplus"`
	FeedbackScale float64 `toml:"feedback_scale" needs:"rule!=backprop" doc:"size of the first weights of the way back, in sizes of first weights" unit:"1" min:"1e-6" max:"1e6"`
	MirrorRate    float64 `toml:"mirror_rate" needs:"rule=weight-mirror; optimizer=sgd" doc:"learning rate of the weights of the way back relative to that of the others; other optimizers divide by the size of the gradient" unit:"1" min:"1e-6" max:"1e3"`
	Angles        bool    `toml:"angles" needs:"rule!=backprop" doc:"measure at every evaluation, on the first training batch, the angle between what the rule gives each layer and the gradient, and the ratio of their norms"`
}

// NewMLP returns the defaults.
func NewMLP() *MLP {
	return &MLP{Hidden: []int{500, 500}, Rule: "backprop", Symmetry: "usf", Activation: "relu", FeedbackScale: 1, MirrorRate: 0.05, Angles: true}
}

func init() {
	registry.Add(Entry{
		Name:      "mlp",
		Doc:       "layers of rates without a state; the key rule says by which rule they learn",
		Source:    "Rumelhart, Hinton and Williams (1986), doi:10.1038/323533a0",
		Equations: "a_l = W_l r_{l-1} + b_l\nr_l = phi(a_l)\nlogits = a_L\n\ndLoss/dW_l ~ e_l r_{l-1}', e_l as the rule says: galvani rules show RULE",
		Notes: []string{"The input is one step, such as a whole picture; tasks of several steps are refused.",
			"First weights are Xavier's, for relu sqrt(2) times as large (He et al. 2015); those of the way back are drawn like the weights that they stand for, times feedback_scale."},
		New: func() Settings { return NewMLP() },
	})
}

// rule returns the rule of the settings.
func (m *MLP) rule() (rules.Rule, error) {
	if err := setting.Check(m); err != nil {
		return rules.Rule{}, fmt.Errorf("models: mlp: %w", err)
	}
	return rules.Lookup(m.Rule)
}

// gain returns the size of first weights relative to Xavier's.
func (m *MLP) gain() float64 {
	if m.Activation == "relu" {
		return math.Sqrt2
	}
	return 1
}
