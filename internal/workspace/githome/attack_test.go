package githome

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree lists every file below dir with its content, except the objects that a
// session may add and its own references.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	list := map[string]string{}
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(p, "/objects/") || strings.Contains(p, "bailey") {
			return err
		}
		b, err := os.ReadFile(p)
		list[strings.TrimPrefix(p, dir)] = string(b)
		return err
	}))
	return list
}

// Whatever stands in the private directory, the host's .git is as it was, and
// nothing was executed: each planted command would make the file hit.
func TestHostilePrivateDirectory(t *testing.T) {
	outside := t.TempDir()
	put(t, outside+"/secret", "canary "+strings.Repeat("ab", 30))
	for name, plant := range map[string]func(r *rig){
		"settings": func(r *rig) {
			c := "touch " + r.root + "/hit"
			f, err := os.OpenFile(r.private+"/config", os.O_APPEND|os.O_WRONLY, 0)
			must(r.t, err)
			fmt.Fprintf(f, "[core]\n\tfsmonitor = %[1]s\n\thooksPath = %[2]s/h\n\tsshCommand = %[1]s\n\tpager = %[1]s\n\teditor = %[1]s\n\talternateRefsCommand = %[1]s\n\tworktree = /\n[uploadpack]\n\tpackObjectsHook = %[1]s\n[include]\n\tpath = %[2]s/inc\n[filter \"x\"]\n\tclean = %[1]s\n[diff]\n\texternal = %[1]s\n[gpg]\n\tprogram = %[1]s\n[credential]\n\thelper = !%[1]s\n[remote \"e\"]\n\turl = ext::%[1]s\n[remote \"-x\"]\n\turl = git@h:x\n[branch \"main\"]\n\tmerge = ../../x\n[extensions]\n\tpartialClone = e\n\tworktreeConfig = true\n[alias]\n\tx = !%[1]s\n[submodule \"s\"]\n\tupdate = !%[1]s\n", c, r.private)
			must(r.t, f.Close())
			put(r.t, r.private+"/config.worktree", "[core]\n\tfsmonitor = "+c+"\n")
			put(r.t, r.root+"/.gitattributes", "* filter=x diff=x merge=x\n")
		},
		"hooks": func(r *rig) {
			for _, h := range []string{"reference-transaction", "post-index-change", "pre-commit", "post-checkout", "pre-auto-gc", "post-rewrite"} {
				put(r.t, r.private+"/hooks/"+h, "#!/bin/sh\ntouch "+r.root+"/hit\n")
				must(r.t, os.Chmod(r.private+"/hooks/"+h, 0o755))
			}
		},
		"damaged settings": func(r *rig) { put(r.t, r.private+"/config", "[core\n") },
		"commondir":        func(r *rig) { put(r.t, r.private+"/commondir", outside+"\n") },
		"settings link": func(r *rig) {
			must(r.t, os.Remove(r.private+"/config"))
			must(r.t, os.Symlink(outside+"/secret", r.private+"/config"))
		},
		"alternates":      func(r *rig) { put(r.t, r.private+"/objects/info/alternates", outside+"\n") },
		"http alternates": func(r *rig) { put(r.t, r.private+"/objects/info/http-alternates", "http://127.0.0.1/\n") },
		"HEAD":            func(r *rig) { put(r.t, r.private+"/HEAD", "ref: refs/heads/../../../x\n") },
		"HEAD outside":    func(r *rig) { put(r.t, r.private+"/HEAD", "ref: refs/remotes/origin/main\n") },
		"HEAD link": func(r *rig) {
			must(r.t, os.Remove(r.private+"/HEAD"))
			must(r.t, os.Symlink(outside+"/secret", r.private+"/HEAD"))
		},
		"HEAD fifo": func(r *rig) {
			must(r.t, os.Remove(r.private+"/HEAD"))
			must(r.t, exec.Command("mkfifo", r.private+"/HEAD").Run())
		},
		"refs": func(r *rig) {
			o := r.start.Refs["refs/heads/main"]
			for _, n := range []string{"refs/heads/-d", "refs/heads/a..b", "refs/heads/x.lock", "refs/heads/a\x1b[2J", "refs/heads/a b"} {
				put(r.t, r.private+"/"+n, o+"\n")
			}
			put(r.t, r.private+"/refs/heads/short", o[:20]+"\n")
			put(r.t, r.private+"/refs/heads/inject", o+"\ndelete refs/heads/main\n")
			must(r.t, os.Symlink(outside+"/secret", r.private+"/refs/heads/link"))
			must(r.t, os.Symlink(outside, r.private+"/refs/heads/linkdir"))
			put(r.t, r.private+"/packed-refs", o+" refs/heads/../../../etc/x\n"+o+" ../x\n"+o+" refs/heads/a\tb\n"+
				r.start.Refs["refs/heads/main"]+" refs/heads/main\n"+r.start.Refs["refs/heads/topic"]+" refs/heads/topic\n")
		},
		"object links": func(r *rig) {
			must(r.t, os.MkdirAll(r.private+"/objects/ab", 0o755))
			must(r.t, os.Symlink(outside+"/secret", r.private+"/objects/ab/"+strings.Repeat("0a", 19)))
			must(r.t, os.Symlink(outside, r.private+"/objects/cd"))
			must(r.t, exec.Command("mkfifo", r.private+"/objects/ab/"+strings.Repeat("0b", 19)).Run())
			must(r.t, os.MkdirAll(r.private+"/objects/pack", 0o755))
			must(r.t, os.Symlink("/dev/zero", r.private+"/objects/pack/pack-"+strings.Repeat("ab", 20)+".pack"))
		},
		"packs": func(r *rig) {
			put(r.t, r.private+"/objects/pack/pack-"+strings.Repeat("ab", 20)+".pack", "PACK\x00\x00\x00\x02\xff\xff\xff\xff")
			put(r.t, r.private+"/objects/pack/pack-"+strings.Repeat("cd", 20)+".pack", "")
			put(r.t, r.private+"/objects/pack/pack-"+strings.Repeat("cd", 20)+".idx", "\xfftOc\x00\x00\x00\x02")
			put(r.t, r.private+"/objects/pack/multi-pack-index", "MIDX")
			put(r.t, r.private+"/objects/info/commit-graph", "CGPH")
		},
		"index": func(r *rig) {
			put(r.t, r.private+"/index", "DIRC\x00\x00\x00\x02\xff\xff\xff\xff"+strings.Repeat("x", 200))
		},
		"shallow": func(r *rig) { put(r.t, r.private+"/shallow", r.start.Refs["refs/heads/main"]+"\n") },
		"grafts":  func(r *rig) { put(r.t, r.private+"/info/grafts", r.start.Refs["refs/heads/main"]+"\n") },
		"stash log": func(r *rig) {
			put(r.t, r.private+"/logs/refs/stash", strings.Repeat("x", 100)+"\n"+strings.Repeat("0", 81)+" a\t--help\n")
		},
		"rebase begun": func(r *rig) { put(r.t, r.private+"/rebase-merge/git-rebase-todo", "exec touch "+r.root+"/hit\n") },
		"merge begun":  func(r *rig) { put(r.t, r.private+"/MERGE_HEAD", "--help\n") },
		"worktrees":    func(r *rig) { must(r.t, os.Symlink(outside, r.private+"/worktrees")) },
		"replace": func(r *rig) {
			put(r.t, r.private+"/refs/replace/"+r.start.Refs["refs/heads/main"], r.start.Refs["refs/heads/topic"]+"\n")
		},
		"no repository": func(r *rig) {
			must(r.t, os.RemoveAll(r.private+"/refs"))
			must(r.t, os.Remove(r.private+"/packed-refs"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).enter()
			was := tree(t, r.root+"/.git")
			plant(r)
			rep, err := Bring(context.Background(), r.options())
			t.Logf("%v; %v", rep.Notes, err)
			if now := tree(t, r.root+"/.git"); !maps.Equal(was, now) {
				for p := range now {
					if was[p] != now[p] {
						t.Errorf("%s was %q, is %q", p, was[p], now[p])
					}
				}
				for p := range was {
					if _, ok := now[p]; !ok {
						t.Errorf("%s is gone", p)
					}
				}
			}
			r.out("status")
			r.out("fsck", "--strict", "--no-dangling")
			if _, err := os.Lstat(r.root + "/hit"); err == nil {
				t.Error("a planted command was executed")
			}
			if strings.Contains(fmt.Sprint(rep), "canary") {
				t.Error("the report shows a file of the outside")
			}
			if _, err := os.Lstat(r.scratch); err == nil {
				t.Error("scratch is left")
			}
		})
	}
}

// Real commits come home although the directory is hostile otherwise.
func TestGoodAmongBad(t *testing.T) {
	r := newRig(t).enter()
	put(t, r.root+"/a.txt", "a3\n")
	r.in("commit", "-qam", "three")
	r.in("branch", "good")
	r.in("commit", "-q", "--allow-empty", "-m", "lost")
	lost := r.in("rev-parse", "HEAD")
	r.in("branch", "bad")
	r.in("reset", "-q", "--soft", "HEAD~1")
	must(t, os.Remove(r.private+"/objects/"+lost[:2]+"/"+lost[2:]))
	put(t, r.private+"/config", "[core]\n\tfsmonitor = touch "+r.root+"/hit\n[core")
	put(t, r.private+"/packed-refs", "# x\n"+r.start.Refs["refs/heads/topic"]+" refs/heads/topic\n"+lost+" refs/heads/ok\n")
	rep := r.bring()
	r.expect("main", r.out("log", "-1", "--format=%s", "main"), "three")
	r.expect("good", r.out("log", "-1", "--format=%s", "good"), "three")
	if outcome(rep, "refs/heads/bad") != Lost || outcome(rep, "refs/heads/ok") != Lost || rep.Kept != r.private {
		t.Errorf("%+v", rep)
	}
}

// An object whose content is not what its name says, in every place git reads
// it from, does not reach the host.
func TestForgedObjects(t *testing.T) {
	r := newRig(t).enter()
	put(t, r.root+"/a.txt", "good\n")
	r.in("commit", "-qam", "three")
	good := r.in("rev-parse", "HEAD:a.txt")
	put(t, r.root+"/other", "evil\n")
	evil := r.in("hash-object", "-w", "other")
	loose := func(o string) string { return r.private + "/objects/" + o[:2] + "/" + o[2:] }
	b, err := os.ReadFile(loose(evil))
	must(t, err)
	must(t, os.Chmod(loose(good), 0o644))
	must(t, os.WriteFile(loose(good), b, 0o644))
	rep := r.bring()
	if outcome(rep, "refs/heads/main") != Lost {
		t.Errorf("%+v", rep)
	}
	if out, err := tryGit(r.root, "cat-file", "-p", good); err == nil {
		t.Errorf("the forged object came home: %s", out)
	}
	r.expect("main", r.out("rev-parse", "main"), r.start.Refs["refs/heads/main"])
}

// Trees and .gitmodules that fool old clients are refused by --strict.
func TestMaliciousTree(t *testing.T) {
	for _, entry := range []string{"40000 .git\x00", "40000 ..\x00", "100644 .gitmodules\x00", "40000 .GIT\x00"} {
		r := newRig(t).enter()
		target := r.in("rev-parse", "HEAD^{tree}")
		if strings.HasPrefix(entry, "100644") {
			put(t, r.root+"/m", "[submodule \"x\"]\n\tpath = -x\n\turl = --upload-pack=touch\n")
			target = r.in("hash-object", "-w", "m")
			must(t, os.Remove(r.root+"/m"))
		}
		raw := entry
		for i := 0; i < len(target); i += 2 {
			var c byte
			_, err := fmt.Sscanf(target[i:i+2], "%02x", &c)
			must(t, err)
			raw += string([]byte{c})
		}
		file := filepath.Join(t.TempDir(), "tree")
		put(t, file, raw)
		treeName := r.in("hash-object", "-t", "tree", "-w", "--literally", file)
		commit := r.in("commit-tree", "-m", "evil", "-p", "HEAD", treeName)
		r.in("update-ref", "refs/heads/evil", commit)
		rep := r.bring()
		if outcome(rep, "refs/heads/evil") != Lost {
			t.Errorf("%q: %+v", entry, rep)
		}
	}
}

// What is staged inside cannot make the host's index name what it must not.
func TestHostileStaged(t *testing.T) {
	r := newRig(t).enter()
	r.in("update-index", "--add", "--cacheinfo", "100644,"+strings.Repeat("ab", 20)+",missing")
	rep := r.bring()
	if out := r.out("ls-files"); strings.Contains(out, "missing") {
		t.Errorf("an entry without object is staged: %s; %+v", out, rep)
	}
	r.out("status")
}

// The program that is run is never one of the workspace.
func TestPlantedGit(t *testing.T) {
	r := newRig(t).enter()
	put(t, r.root+"/bin/git", "#!/bin/sh\ntouch "+r.root+"/hit\n")
	must(t, os.Chmod(r.root+"/bin/git", 0o755))
	link := t.TempDir()
	must(t, os.Symlink(r.root+"/bin/git", link+"/git"))
	r.in("commit", "-q", "--allow-empty", "-m", "x")
	o := r.options()
	o.Path = r.root + "/bin:" + link + "::bin:."
	_, err := Bring(context.Background(), o)
	must(t, err)
	r.expect("main", r.out("rev-parse", "main"), r.in("rev-parse", "main"))
	if _, err := os.Lstat(r.root + "/hit"); err == nil {
		t.Error("the planted git was run")
	}
}

// The user's own repository may hold hooks: bringing home runs none of them.
func TestHostHooksAreNotRun(t *testing.T) {
	r := newRig(t)
	for _, h := range []string{"reference-transaction", "post-index-change", "post-rewrite", "post-merge", "post-checkout"} {
		put(t, r.root+"/.git/hooks/"+h, "#!/bin/sh\ntouch "+r.root+"/hit\n")
		must(t, os.Chmod(r.root+"/.git/hooks/"+h, 0o755))
	}
	r.enter()
	must(t, os.RemoveAll(r.root+"/hit"))
	put(t, r.root+"/a.txt", "a3\n")
	r.in("commit", "-qam", "three")
	r.in("branch", "-m", "topic", "renamed")
	r.in("switch", "-q", "-c", "x")
	must(t, os.RemoveAll(r.root+"/hit"))
	r.bring()
	if _, err := os.Lstat(r.root + "/hit"); err == nil {
		t.Error("a hook was run")
	}
	r.expect("branch", r.out("branch", "--show-current"), "x")
}

func TestGitlinksAreTold(t *testing.T) {
	r := newRig(t).enter()
	git(t, r.root, "init", "-q", "evil")
	git(t, r.root+"/evil", "commit", "-q", "--allow-empty", "-m", "x")
	r.in("-c", "advice.addEmbeddedRepo=false", "add", "evil")
	r.in("commit", "-qm", "gitlink")
	var told []string
	o := r.options()
	o.Gitlinks = func(paths []string) {
		told = append(told, paths...)
		if r.out("ls-files", "evil") != "" {
			t.Error("the host's git knows the path before it was told of")
		}
	}
	_, err := Bring(context.Background(), o)
	must(t, err)
	if !slices.Contains(told, "evil") {
		t.Errorf("told of %v", told)
	}
}

// A new name must not change what an old one means to people.
func TestNamesThatHideOthers(t *testing.T) {
	r := newRig(t)
	r.out("update-ref", "refs/remotes/origin/main", "main~1")
	r.enter()
	r.in("commit", "-q", "--allow-empty", "-m", "x")
	for _, n := range []string{"refs/tags/origin/main", "refs/heads/origin/main", "refs/tags/topic", "refs/heads/HEAD", "refs/tags/FETCH_HEAD", "refs/heads/origin/main2"} {
		r.in("update-ref", n, "HEAD")
	}
	rep := r.bring()
	r.expect("origin/main", r.out("rev-parse", "origin/main"), r.out("rev-parse", "main~2"))
	r.expect("topic", r.out("rev-parse", "topic"), r.start.Refs["refs/heads/topic"])
	r.expect("refs", r.out("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags"), "refs/heads/main\nrefs/heads/origin/main2\nrefs/heads/topic")
	if outcome(rep, "refs/tags/origin/main") != Kept {
		t.Errorf("%+v", rep)
	}
}

func TestTooManyReferences(t *testing.T) {
	r := newRig(t).enter()
	var packed strings.Builder
	o := r.start.Refs["refs/heads/main"]
	for i := range 250_000 {
		fmt.Fprintf(&packed, "%s refs/heads/%d\n", o, i)
	}
	put(t, r.private+"/packed-refs", packed.String())
	if _, err := Bring(context.Background(), r.options()); err == nil {
		t.Error("250,000 references were taken")
	}
	r.expect("refs", r.out("for-each-ref", "--format=%(refname)"), "refs/heads/main\nrefs/heads/topic")
}
