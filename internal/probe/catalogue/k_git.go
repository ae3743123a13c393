package catalogue

import (
	"github.com/bailey-project/bailey/internal/probe"
)

// gitRow is a setting or file of the repository that makes host git run a
// command: set is done by the agent, host by the user afterwards.
func gitRow(id, what, set string, host ...string) probe.Probe {
	return probe.Probe{ID: id, Attack: what, Shell: set + "\ntrue", Host: host, Alone: true, Stop: by(gitdir, probe.Nothing, "EBUSY", "ENOENT", "EACCES", "EROFS", "EPERM", "EXDEV")}
}

func git() []probe.Probe {
	rows := []probe.Probe{
		gitRow("K01", "core.fsmonitor, on status, diff and add", `git config core.fsmonitor "touch $MARK; false"`, "git status", "git diff", "git add ."),
		gitRow("K02", "A clean filter, on diff", `git config filter.x.clean "touch $MARK; cat"; echo '* filter=x' > .gitattributes; echo b >> file.txt`, "git diff"),
		gitRow("K03a", "diff.external", `git config diff.external "touch $MARK;:"; echo b >> file.txt`, "git diff"),
		gitRow("K03b", "A textconv driver, on log -p", `git config diff.x.textconv "touch $MARK; cat"; echo '* diff=x' > .gitattributes`, "git log -p -1"),
		gitRow("K04a", "core.sshCommand, on fetch", `git config core.sshCommand "touch $MARK; false"; git remote add o ssh://127.0.0.1:1/x`, "git fetch o"),
		gitRow("K04b", "remote.*.uploadpack, on fetch", `git init -q --bare /tmp/b.git; git remote add o "$WS"; git config remote.o.uploadpack "touch $MARK; git-upload-pack"`, "git fetch o"),
		gitRow("K04c", "A remote of the ext:: kind", `git remote add o "ext::sh -c touch% $MARK"; git config protocol.ext.allow always`, "git fetch o"),
		gitRow("K04d", "credential.helper", `git config credential.helper "!touch $MARK;"`, "printf 'url=https://h/\\n\\n' | git credential fill"),
		gitRow("K04e", "A merge driver", `git config merge.x.driver "touch $MARK; false"; echo '* merge=x' > .gitattributes; git checkout -q -b t; echo t > file.txt; git commit -qam t; git checkout -q main; echo m > file.txt; git commit -qam m`, "git merge t"),
		gitRow("K04f", "core.editor, on commit", `git config core.editor "touch $MARK; false"`, "git commit --allow-empty"),
		gitRow("K04g", "gpg.program, on a signed commit", `git config gpg.program "$WS/g"; printf '#!/bin/sh\ntouch %s\n' "$MARK" > g; chmod +x g; git config commit.gpgsign true`, "git commit --allow-empty -m x"),
		gitRow("K04h", "An alias that shadows none but is used", `git config alias.st "!touch $MARK"`, "git st"),
		gitRow("K04i", "include.path to a file of the project", `printf '[core]\n\tfsmonitor = "touch %s; false"\n' "$MARK" > inc; git config include.path ../inc`, "git status"),
		gitRow("K04j", "extensions.worktreeConfig", `git config extensions.worktreeConfig true; printf '[core]\n\tfsmonitor = "touch %s; false"\n' "$MARK" > .git/config.worktree`, "git status"),
		gitRow("K04k", "sequence.editor, on an interactive rebase", `git config sequence.editor "touch $MARK; true"`, "git rebase -i HEAD~1"),
		gitRow("K04l", "trailer commands, on interpret-trailers", `git config trailer.x.command "touch $MARK"; git config trailer.x.key X`, "echo x | git interpret-trailers"),
		gitRow("K04m", "core.alternateRefsCommand", `mkdir -p .git/objects/info; git init -q alt; echo "$WS/alt/.git/objects" >> .git/objects/info/alternates; git config core.alternateRefsCommand "touch $MARK; false"`, "git fetch -q .git HEAD"),
		gitRow("K05a", "core.hooksPath to a directory of the project", `mkdir h; printf '#!/bin/sh\ntouch %s\n' "$MARK" > h/pre-commit; chmod +x h/*; git config core.hooksPath h`, "git commit --allow-empty -m x"),
		gitRow("K05b", "Hooks for checkout, merge, push and reference changes", `mkdir -p .git/hooks; for h in post-checkout post-merge pre-push reference-transaction post-commit; do printf '#!/bin/sh\ntouch %s\n' "$MARK" > .git/hooks/$h; chmod +x .git/hooks/$h; done`,
			"git checkout -q -b other", "git commit -q --allow-empty -m x"),
		gitRow("K06", "url.*.insteadOf, to send a fetch elsewhere", `git remote add o https://github.example/x; git config url."ext::sh -c touch% $MARK% ".insteadOf https://github.example/; git config protocol.ext.allow always`, "git fetch o"),
		gitRow("K07a", ".git/commondir to a directory of the project", `mkdir -p evil; cp -r .git/. evil/; git config -f evil/config core.fsmonitor "touch $MARK; false"; echo ../evil > .git/commondir`, "git status"),
		gitRow("K07b", "A commit whose tree holds a .git directory and a hook", `mkdir -p x/y; b=$(printf '#!/bin/sh\ntouch %s\n' "$MARK" | git hash-object -w --stdin); printf '100755 blob %s\tpost-checkout\n' "$b" | git mktree > /tmp/t; printf '040000 tree %s\thooks\n' "$(cat /tmp/t)" | git mktree > /tmp/u
			printf '040000 tree %s\t.git\n' "$(cat /tmp/u)" | git mktree > /tmp/v; git update-ref refs/heads/main "$(git commit-tree "$(cat /tmp/v)" -p HEAD -m evil)"; printf '#!/bin/sh\ntouch %s\n' "$MARK" > .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout`,
			"git checkout -q -f main", "git status", "git checkout -q -b other"),
	}
	return append(rows,
		probe.Probe{ID: "K15", Attack: "Redirect what is brought home to another repository", Alone: true, Watch: list("out:repo/.git/HEAD", "out:repo/.git/refs/heads/main", "out:repo/.git/config"), Stop: by(gitdir, "ENOENT", "EBUSY", probe.Nothing, "EACCES", "EPERM", "EXDEV"),
			Shell: `rm -rf .git; printf 'gitdir: %s\n' "$OUT/repo/.git" > .git; git commit -q --allow-empty -m evil; echo "$OUT/repo/.git" > .git/commondir; true`},
		probe.Probe{ID: "K17", Attack: "Bring home a branch under a name that is a path or an option", Alone: true, Watch: list("ws:.git/hooks/x", "ws:.git/config", "out:x"), Stop: by(gitdir, probe.Nothing, "ENOENT", "EACCES", "EBUSY"),
			Host:  list("git branch --list", "git for-each-ref"),
			Shell: `h=$(git rev-parse HEAD); mkdir -p .git/refs/heads; echo $h > .git/refs/heads/--upload-pack=x; ln -s ../../config .git/refs/heads/evil; printf '%s refs/heads/../../hooks/x\n' $h >> .git/packed-refs; echo "$MARK" > .git/config; true`,
			Tame:  "host git checks names of references itself; the row holds Bailey's own reading to that"},
	)
}
