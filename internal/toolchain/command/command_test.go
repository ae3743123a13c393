package command

import (
	"slices"
	"strings"
	"testing"
)

func TestSimple(t *testing.T) {
	for text, want := range map[string][]string{
		"a b; c && d || e | f & g\nh":                {"a b", "c", "d", "e", "f", "g", "h"},
		`a 'b ; c' "d \" e" f\ g`:                    {`a b ; c d " e f g`},
		"A=1 B='2 3' a":                              {"a"},
		"A=x; $A ${A}y \"$A\" $B":                    {"x xy x $B"},
		"A='x y'; $A z":                              {"x y z"},
		"a > b 2>&1 < c &> d >>e e2":                 {"a e2"},
		"a # b; c\nd a#b":                            {"a", "d a#b"},
		"a <<X b\nc d\nX\ne":                         {"a b", "e"},
		"a <<-'X'\nc\n\tX\ne":                        {"a", "e"},
		"a <<< b c":                                  {"a c"},
		"if a; then b; elif c; then d; else e; fi":   {"a", "b", "c", "d", "e"},
		"while ! a; do b; done":                      {"a", "b"},
		"case $x in a|b) c;; (d) e;; *) f;; esac; g": {"c", "e", "f", "g"},
		"case a in\nb)\nc\n;;\nesac\nd":              {"c", "d"},
		"f() { a; }; (b; c)":                         {"a", "b", "c"},
		"X=(a b) c":                                  {"c"},
		"a $(b c) \"$(d \"e\")\" `f`":                {"a  ", "f", "b c", "d e"},
		"a <(b) >(c)":                                {"a", "b", "c"},
		"a $((1+2)) b":                               {"a  b"},
		"exec \"$@\"":                                {"exec p q"},
		"$0 $1 $9":                                   {"zero p $9"},
		"a \\\n b":                                   {"a b"},
		"'if' a":                                     {"if a"},
		"":                                           nil,
		"'":                                          nil,
	} {
		var got []string
		for _, c := range Simple(text, []string{"zero", "p", "q"}) {
			got = append(got, strings.Join(c, " "))
		}
		if text == "'" {
			continue // an open quote: only that it ends
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestShebang(t *testing.T) {
	for text, want := range map[string]string{
		"#!/bin/sh -e\nx": "/bin/sh -e", "#! /usr/bin/env node\n": "node", "#!/usr/bin/env -S A=b node --x": "node --x",
		"#!/usr/bin/env -Snode": "node", "#!/usr/bin/env -i -u X node": "node", "#!/usr/bin/env": "", "x": "", "#!": "",
	} {
		if got := strings.Join(Shebang(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestWorkIsBounded: texts made to cost much.
func TestWorkIsBounded(t *testing.T) {
	const n = 64 << 10
	for name, text := range map[string]string{
		"nested":    strings.Repeat("$(", n/2),
		"quoted":    strings.Repeat(`"$(`, n/3),
		"doubling":  "A=xxxxxxxx;" + strings.Repeat("A=$A$A$A$A;", n/11),
		"long name": "$" + strings.Repeat("A", n),
		"here":      strings.Repeat("a <<X;", n/6),
		"params":    strings.Repeat(`"$@" `, n/5),
		"backticks": strings.Repeat("`", n),
	} {
		size := 0
		for _, c := range Simple(text, slices.Repeat([]string{"p"}, 100)) {
			size += len(c)
			for _, w := range c {
				size += len(w)
			}
		}
		if size > 64*n {
			t.Errorf("%s: %d bytes", name, size)
		}
	}
}

// FuzzSimple: what is quoted whole is one word, whatever stands in it.
func FuzzSimple(f *testing.F) {
	f.Add("a; b $(c) `d` \"e\" <<x\n")
	f.Fuzz(func(t *testing.T, text string) {
		Simple(text, nil)
		word := "w" + strings.ReplaceAll(text, "'", "")
		got := Simple("a '"+word+"' b", nil)
		if len(got) != 1 || !slices.Equal(got[0], []string{"a", word, "b"}) {
			t.Errorf("%q: %q", word, got)
		}
	})
}

func TestPlain(t *testing.T) {
	for name, want := range map[string]string{
		"/a/claude": "claude", "claude.exe": "claude", "claude-1.2.3": "claude", "codex-x86_64-unknown-linux-musl": "codex",
		"claude_v2": "claude", "goose-linux.AppImage": "goose", "cursor-agent": "cursor-agent", "claude-vim": "claude-vim", "x-linuxy": "x-linuxy", "": ".", "-": "-",
	} {
		if got := Plain(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for line, want := range map[string]string{
		"env -i A=b -u X c -d": "c -d", "timeout -k 5 -- 1 c": "c", "sudo -u u -- c": "c", "mise x a@1 -- c d": "c d", "npm --prefix p exec c": "c",
		"env": "", "tmux -L s new -s n c": "c", "uv tool run --python 3 c": "c",
	} {
		in, ok := Unwrap(strings.Fields(line))
		if got := strings.Join(in.Rest, " "); !ok || got != want {
			t.Errorf("%q: %q, %v; want %q", line, got, ok, want)
		}
	}
	for _, line := range []string{"ls", "command -v c", "sudo -l c", "python -c c", "uv sync", "tmux attach", "mise install"} {
		if in, ok := Unwrap(strings.Fields(line)); ok {
			t.Errorf("%q starts %q", line, in.Rest)
		}
	}
}
