package gitconfig

import "testing"

func TestHarmful(t *testing.T) {
	const made = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n" +
		"[remote \"origin\"]\n\turl = https://me@h.test/x.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n" +
		"[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n[extensions]\n\tworktreeConfig = true\n"
	for text, want := range map[string]string{
		"":   "",
		made: "",
		made + "[core]\n\tfsmonitor = touch hit\n":            "core.fsmonitor",
		"[core]\n\thooksPath = .husky\n":                      "core.hookspath",
		"[CORE]\n\tWorkTree = ..\n":                           "core.worktree",
		"[include]\n\tpath = x\n":                             "include.path",
		"[filter \"x\"]\n\tclean = id\n":                      "filter.x.clean",
		"[alias]\n\tst = status\n":                            "alias.st",
		"[remote \"o\"]\n\turl = ext::sh -c id\n":             "remote.o.url",
		"[remote \"o\"]\n\turl = --upload-pack=id\n":          "remote.o.url",
		"[submodule \"x\"]\n\tupdate = !id\n":                 "submodule.x.update",
		"[diff \"x\"]\n\ttextconv = id\n":                     "diff.x.textconv",
		"[remote \"o\"]\n\turl = ../other\n\tuploadpack = id": "remote.o.uploadpack",
		"[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n":   "",
	} {
		all, err := Parse([]byte(text))
		if err != nil {
			all = []Setting{{Section: "unreadable"}}
		}
		if got := Harmful(all); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
