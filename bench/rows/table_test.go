package rows

import "testing"

// TestMarkdown holds that a bar within a cell does not end it.
func TestMarkdown(t *testing.T) {
	got := Table{Title: "left out", Head: []string{"step", "|h|"}, Rows: [][]string{{"exp", "1"}, {"a", ""}}}.Markdown()
	want := "| step | \\|h\\| |\n|---|---|\n| exp | 1 |\n| a |  |\n"
	if got != want {
		t.Errorf("table is\n%swant\n%s", got, want)
	}
}
