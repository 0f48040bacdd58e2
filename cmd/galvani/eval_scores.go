package main

import (
	"fmt"
	"slices"

	"galvani/bench/analysis"
	"galvani/data"
	"galvani/engine/safetensors"
)

// classScore is what a confusion matrix says of one class. A part of nothing is nil.
type classScore struct {
	Class     string   `json:"class"`
	Count     int      `json:"count"`     // targets of this class
	Precision *float64 `json:"precision"` // part of the answers that name it which are right
	Recall    *float64 `json:"recall"`    // part of its targets that are answered with it
	F1        *float64 `json:"f1"`        // harmonic mean of the two
}

// classScores scores each class of a confusion matrix, true class by row.
func classScores(confusion [][]int, names []string) []classScore {
	list := make([]classScore, len(confusion))
	for i, row := range confusion {
		s := classScore{Class: className(names, i)}
		answers := 0
		for j, n := range row {
			s.Count += n
			answers += confusion[j][i]
		}
		s.Precision, s.Recall = ratio(row[i], answers), ratio(row[i], s.Count)
		s.F1 = ratio(2*row[i], answers+s.Count)
		list[i] = s
	}
	return list
}

// ratio returns a/b, nil where b is 0.
func ratio(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	r := float64(a) / float64(b)
	return &r
}

// orNone writes a number that may be none.
func orNone(format string, factor float64, v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, factor**v)
}

// fits measures the outputs of a regression.
func (j *job) fits(set data.Set) ([]analysis.Fit, error) {
	if j.net != nil || j.task.T == 1 {
		return j.subject().Fits(set)
	}
	// A layered network that reads sequences is stepped in time by what learns it alone.
	return analysis.Fits(j.task, func(visit analysis.Visit) error {
		for first := 0; first < set.Len(); first += j.opt.Batch {
			b := data.NewBatch(j.task, min(j.opt.Batch, set.Len()-first))
			for col := range b.B {
				if err := set.Fill(b, col, 0, first+col); err != nil {
					return err
				}
			}
			tensors, err := j.session.Trace(b)
			if err != nil {
				return err
			}
			at := slices.IndexFunc(tensors, func(t safetensors.Tensor) bool { return t.Name == "logits" })
			logits, err := tensors[at].Float32s()
			if err != nil {
				return err
			}
			rows := len(logits) / (b.B * b.O)
			one := make([]float32, rows*b.O)
			for col := range b.B {
				for row := range rows {
					copy(one[row*b.O:(row+1)*b.O], logits[(row*b.B+col)*b.O:])
				}
				visit(first+col, b, col, one)
			}
		}
		return nil
	})
}

// scores writes what an evaluation says of each class and each output.
func (p *printer) scores(r evalReport) {
	if len(r.Outputs) > 0 {
		p.title("\nOutputs")
		p.table(fitHead, fitRows(r.Outputs))
	}
	if r.Confusion == nil {
		return
	}
	what := "True class by row, answer by column"
	if len(r.Trials) > 0 {
		what += ", in steps"
	}
	p.title("\n%s", what)
	head := []string{""}
	rows := make([][]string, len(r.Confusion))
	for i, counts := range r.Confusion {
		head = append(head, className(r.Classes, i))
		rows[i] = []string{className(r.Classes, i)}
		for _, n := range counts {
			rows[i] = append(rows[i], fmt.Sprint(n))
		}
	}
	p.table(head, rows)
	p.title("\nOf each class")
	p.table(classHead, classRows(r.PerClass))
}

// fitHead and fitRows are the table of outputs, classHead and classRows that of classes.
var (
	fitHead   = []string{"OUTPUT", "MSE", "R2"}
	classHead = []string{"CLASS", "TARGETS", "PRECISION", "RECALL", "F1"}
)

func fitRows(list []analysis.Fit) (rows [][]string) {
	for _, f := range list {
		rows = append(rows, []string{f.Output, fmt.Sprintf("%.6g", f.MSE), orNone("%.4f", 1, f.R2)})
	}
	return rows
}

func classRows(list []classScore) (rows [][]string) {
	for _, s := range list {
		rows = append(rows, []string{s.Class, fmt.Sprint(s.Count), orNone("%.1f %%", 100, s.Precision), orNone("%.1f %%", 100, s.Recall), orNone("%.3f", 1, s.F1)})
	}
	return rows
}
