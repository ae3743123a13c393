package term

import (
	"strings"
	"unicode/utf8"
)

// Table prints rows in columns under a header, two spaces apart. Without rows
// it prints nothing: an empty result has no header.
func (t *Term) Table(header []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	all := append([][]string{upper(header)}, rows...)
	width := widths(all)
	var b strings.Builder
	for _, row := range all {
		writeRow(&b, row, width)
	}
	t.write(t.Out, b.String())
}

// List prints rows in columns without a header, indented by two spaces, to
// standard error: part of a message, not a result.
func (t *Term) List(rows [][]string) {
	width := widths(rows)
	var b strings.Builder
	for _, row := range rows {
		b.WriteString("  ")
		writeRow(&b, row, width)
	}
	t.write(t.Err, b.String())
}

func upper(header []string) []string {
	out := make([]string, len(header))
	for i, h := range header {
		out[i] = strings.ToUpper(h)
	}
	return out
}

func widths(rows [][]string) []int {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(Clean(cell)))
		}
	}
	return width
}

func writeRow(b *strings.Builder, row []string, width []int) {
	var line strings.Builder
	for i, cell := range row {
		cell = Clean(cell)
		line.WriteString(cell)
		if i < len(row)-1 {
			line.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
