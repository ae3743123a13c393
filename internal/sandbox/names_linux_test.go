package sandbox

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/workspace"
)

// testRules are the ones that the program itself uses.
var testRules = NameRules{Refused: workspace.Refused, Loose: workspace.Loose}

// strictSpec is specFor with the name broker.
func strictSpec(t *testing.T, script string) (Spec, string) {
	t.Helper()
	s, ws := baseSpec(t, script)
	return strict(s, ws), ws
}

func strict(s Spec, ws string) Spec {
	s.Broker, s.Names = true, &Names{Root: ws, Exempt: []string{ws + "/.git"}}
	return s
}

// names are all entries below dir.
func names(t *testing.T, dir string) string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if p != dir {
			list = append(list, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

func TestStrictNamesRefuse(t *testing.T) {
	s, ws := strictSpec(t, `
		echo x > .envrc; mkdir .vscode; ln -s /etc .cursor; mkfifo .npmrc; echo x > f; ln f .mcp.json; mv f .env; cp f .env.local
		mkdir -p a/b; mkdir a/b/.claude; mkdir d; mv d a/.IDEA; cd a; echo x > ./../a/b/../.gdbinit; cd ..
		ln -s a/b to; echo x > to/.envrc; ln -s .envrc link; echo x > link; echo x > /proc/self/cwd/.envrc
		git init -q sub; git init -q --bare bare; ls bare/config bare/HEAD; rm -r bare; mkdir .git2; echo x > HEAD
		mkdir node_modules node_modules/x node_modules/x/.vscode; mv node_modules/x x; ls -A x; rm -r x
		truncate -s 3 sub/.vscode/tasks.json; echo y >> sub/.vscode/tasks.json; ln sub/.vscode/tasks.json t2; echo > sub/.vscode/new
		mkdir "$(printf '.vs\342\200\213code')"
		echo fine > .env.example; echo fine > vscode; mkdir .github
		true`)
	if err := os.MkdirAll(ws+"/sub/.vscode", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ws+"/sub/.vscode/tasks.json", []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	out, e := run(t, s)
	want := ".env.example .git2 .github a a/b d f link node_modules node_modules/x node_modules/x/.vscode sub sub/.vscode sub/.vscode/tasks.json to vscode"
	if got := names(t, ws); got != want || e.Code != 0 {
		t.Errorf("%+v\ngot  %s\nwant %s\n%s", e, got, want, out)
	}
	if b, err := os.ReadFile(ws + "/sub/.vscode/tasks.json"); err != nil || string(b) != "mine" {
		t.Errorf("%q %v", b, err)
	}
}

// What a program does every day works: pipes by name, terminals, umasks,
// descriptors by name, nested Landlock is refused as switched off.
func TestStrictNamesEveryday(t *testing.T) {
	s, _ := strictSpec(t, `
		mkfifo p; (sleep 0.05; cat p) & echo through > p; wait
		mkfifo q; (echo other > q) & cat q; wait
		exec 3<>p; echo both >&3; read x <&3; echo $x; exec 3>&-
		(echo out > /dev/stdout; echo fd > /proc/self/fd/1; echo err > /dev/stderr) 2>&1 | cat
		(true) | cat
		umask 077; echo x > a; umask 022; echo x > b; (umask 0; mkdir c; echo x > c/d); stat -c %a a b c c/d | tr '\n' ' '; echo
		(cat /dev/tty || echo no terminal) 2>/dev/null; (echo x > /dev/tty) 2>/dev/null || echo none
		exec 4>deleted; rm deleted; echo kept > /proc/self/fd/4; cat /proc/self/fd/4
		mkfifo r; sh -c 'trap "echo caught; exit" TERM; (sleep 0.05; kill $$)& echo never > r' 2>/dev/null
		cd c && echo rel > ../e && cat ../e; mkdir gone; cd gone; rmdir ../gone; (echo x > y) 2>&1 | sed 's/.*: //'
		python3 -c 'import ctypes; l=ctypes.CDLL(None,use_errno=True); print(l.syscall(444,0,0,1), ctypes.get_errno()); print(l.ioctl(0,0x5000940e,0), ctypes.get_errno(), l.ioctl(0,0x40049409,99), ctypes.get_errno() in (9, 18, 22, 95))'`)
	s.Mounts = append(s.Mounts, Mount{Source: "/etc/alternatives", Target: "/etc/alternatives", Optional: true})
	out, e := run(t, s)
	want := "through\nother\nboth\nout\nfd\nerr\n600 644 777 666 \nno terminal\nnone\nkept\ncaught\nrel\nDirectory nonexistent\n-1 95\n-1 1 -1 True\n"
	if out != want || e.Code != 0 {
		t.Errorf("%+v\ngot  %q\nwant %q", e, out, want)
	}
}

// A program that waits for the other end of a FIFO can be killed, and many of
// them hold nobody up.
func TestStrictNamesWhileManyWait(t *testing.T) {
	s, _ := strictSpec(t, `
		mkfifo p; for i in 1 2 3 4 5 6 7 8 9; do (echo $i > p) & list="$list $!"; done
		for i in 1 2 3 4 5 6 7 8 9 0; do echo x > f$i; done; ls f*|wc -l
		kill $list; wait; echo ended
		for i in 1 2 3 4; do (echo $i > p) & done; cat p | wc -c; kill %% 2>/dev/null; true`)
	out, e := run(t, s)
	if !strings.HasPrefix(out, "10\nended\n") || e.Code != 0 {
		t.Errorf("%+v %q", e, out)
	}
}

// The terminal that /dev/tty means is the caller's own.
func TestStrictNamesTerminal(t *testing.T) {
	s, _ := strictSpec(t, `echo shown > /dev/tty; tty; setsid sh -c '(echo hidden > /dev/tty) 2>/dev/null || echo none'; script -qc 'echo inner > /dev/tty' /dev/null < /dev/null`)
	s.TTY = [3]bool{true, true, true}
	p := start(t, s)
	b, _ := io.ReadAll(p.Stdio.Terminal)
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	out := strings.ReplaceAll(string(b), "\r", "")
	if !strings.HasPrefix(out, "shown\n/dev/pts/0\nnone\n") || !strings.Contains(out, "inner") {
		t.Errorf("%q", out)
	}
}

// Files belong to the workload's owner on the host, as root and as a user.
func TestStrictNamesOwner(t *testing.T) {
	s, ws := strictSpec(t, "echo x > made; mkdir dir; ln -s made link; mkfifo pipe")
	if out, e := run(t, s); e.Code != 0 {
		t.Fatalf("%+v %s", e, out)
	}
	for _, name := range []string{"made", "dir", "link", "pipe"} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(ws, name), &st); err != nil || int(st.Uid) != os.Getuid() || int(st.Gid) != os.Getgid() {
			t.Errorf("%s: %d:%d %v", name, st.Uid, st.Gid, err)
		}
	}
}

// Two threads change the memory, the links and the directories that a call is
// about to use, while others make the call. None gets a name that is refused.
// BAILEY_RACE_ROUNDS=100000 tries longer.
func TestStrictNamesRaces(t *testing.T) {
	rounds := "12000"
	if n := os.Getenv("BAILEY_RACE_ROUNDS"); n != "" {
		rounds = n
	}
	src := filepath.Join(t.TempDir(), "race.c")
	prog := strings.TrimSuffix(src, ".c")
	if err := os.WriteFile(src, []byte(raceProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-O1", "-pthread", "-o", prog, src).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	s, ws := strictSpec(t, "")
	s.Mounts = append(s.Mounts, Mount{Source: prog, Target: "/opt/race"})
	s.Path, s.Args = "/opt/race", []string{"race", rounds}
	if err := os.MkdirAll(ws+"/keep/.vscode", 0o755); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // a planted name may be removed again at once
		defer close(ended)
		out, e := run(t, s)
		made, err := strconv.Atoi(strings.TrimSpace(out))
		if err != nil || made == 0 || e.Code != 0 {
			t.Errorf("%+v: %q made", e, out)
		}
	}()
	look := func() {
		for _, dir := range []string{"", "a", "b", "keep/.vscode"} {
			list, _ := os.ReadDir(filepath.Join(ws, dir))
			for _, e := range list {
				if dir != "keep/.vscode" && e.Name() == "tasks.json" {
					continue
				}
				if strings.HasPrefix(e.Name(), ".env") || e.Name() == "tasks.json" {
					t.Errorf("%s/%s was made", dir, e.Name())
				}
			}
		}
	}
	for again := true; again && !t.Failed(); {
		look()
		select {
		case <-ended:
			again = false
		case <-time.After(time.Millisecond):
		}
	}
	<-ended
	look()
}

// raceProgram prints how many of its calls made something.
const raceProgram = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static char text[16] = "x.envrc";
static volatile int over;
static void *swap_text(void *p) { while (!over) { memcpy(text, "yyyyyyy", 7); memcpy(text, ".envrc\0", 7); } return p; }
static void *swap_links(void *p) {
	while (!over) {
		unlink("link"); symlink("a", "link"); unlink("link"); symlink("keep/.vscode", "link");
		unlink("final"); symlink("ok", "final"); unlink("final"); symlink(".envrc", "final");
		renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE);
	}
	return p;
}
int main(int argc, char **argv) {
	pthread_t t[3];
	int made = 0, rounds = atoi(argv[1]);
	mkdir("a", 0755); mkdir("b", 0755); mkdir("dir", 0755);
	pthread_create(&t[0], 0, swap_text, 0); pthread_create(&t[1], 0, swap_links, 0);
	for (int i = 0; i < rounds; i++) {
		int fd = -1;
		switch (i % 6) {
		case 0: fd = open(text, O_CREAT | O_WRONLY, 0644); break;
		case 1: fd = open("link/tasks.json", O_CREAT | O_WRONLY, 0644); break;
		case 2: fd = open("final", O_CREAT | O_WRONLY, 0644); break;
		case 3: made += rename("dir", text) == 0; mkdir("dir", 0755); break;
		case 4: made += link("/proc/self/exe", text) == 0 || symlink("x", text) == 0; break;
		case 5:
			fd = open(".", O_TMPFILE | O_WRONLY, 0644);
			char name[32]; snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
			made += linkat(AT_FDCWD, name, AT_FDCWD, text, AT_SYMLINK_FOLLOW) == 0;
		}
		if (fd >= 0) { made++; close(fd); }
		unlink("yyyyyyy"); rmdir("yyyyyyy"); unlink("ok"); unlink("a/tasks.json"); unlink("b/tasks.json");
	}
	over = 1; pthread_join(t[0], 0); pthread_join(t[1], 0);
	unlink("a/tasks.json"); unlink("b/tasks.json");
	printf("%d\n", made);
	return 0;
}
`
