package main

import (
	"fmt"
	"reflect"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine"
)

// usualThreshold is the accuracy from which a level of a curriculum is passed, unless told otherwise.
const usualThreshold = 0.9

// curriculum opens the forms of the task that training begins with.
func (s *settings) curriculum(task *data.Task) (c engine.Curriculum, err error) {
	if len(s.run.Curriculum) == 0 {
		return c, nil
	}
	switch c.Threshold = s.run.CurriculumThreshold; {
	case task.Goal == data.Regress && c.Threshold == 0:
		return c, fmt.Errorf("%w: task %s is a regression; give the loss that ends a level of the curriculum with --curriculum-threshold", config.ErrConfig, task.Name)
	case task.Goal == data.Classify && c.Threshold > 1:
		return c, fmt.Errorf("%w: key \"curriculum_threshold\" is %v, and an accuracy is at most 1", config.ErrConfig, c.Threshold)
	case c.Threshold == 0:
		c.Threshold = usualThreshold
	}
	key := ""
	for i, text := range s.run.Curriculum {
		level, err := s.form(text, &key)
		if err == nil {
			level, err = data.Fit(level, task)
		}
		if err != nil {
			return c, fmt.Errorf("level %d of the curriculum, %q: %w", i+1, text, err)
		}
		c.Levels = append(c.Levels, level)
	}
	return c, nil
}

// form opens the task with other settings, KEY=VALUE or VALUE, with blanks between them. Key is that of a VALUE.
func (s *settings) form(text string, key *string) (*data.Task, error) {
	form := reflect.New(reflect.TypeOf(s.task).Elem())
	form.Elem().Set(reflect.ValueOf(s.task).Elem())
	cfg := form.Interface().(data.Config)
	var keys config.Set
	if err := keys.Add("task "+s.run.Task, cfg); err != nil {
		return nil, err
	}
	for _, word := range strings.Fields(text) {
		name, value, named := strings.Cut(word, "=")
		switch {
		case named:
			*key = strings.ReplaceAll(name, "-", "_")
		case *key == "":
			return nil, fmt.Errorf("%w: a value without a key, want KEY=VALUE", config.ErrConfig)
		default:
			value = word
		}
		k, err := keys.Lookup(*key)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(k.Type(), "s") {
			value = strings.ReplaceAll(value, "/", ",")
		}
		if err := keys.Apply([]config.Pair{{Name: k.Name, Value: config.Text(value)}}); err != nil {
			return nil, err
		}
	}
	return cfg.Open(s.env())
}

// levels returns how many levels training has: those of the curriculum, and the task itself.
func (j *job) levels() int { return len(j.cfg.Curriculum.Levels) + 1 }

// curriculumText says what the levels are; empty without a curriculum.
func (j *job) curriculumText() string {
	if j.levels() == 1 {
		return ""
	}
	what := "an accuracy of"
	if j.task.Goal == data.Regress {
		what = "a loss of"
	}
	return fmt.Sprintf("%s; then the task itself; the next one at %s %g", strings.Join(j.run.Curriculum, "; "), what, j.cfg.Curriculum.Threshold)
}
