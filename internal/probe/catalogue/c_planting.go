package catalogue

import "github.com/bailey-project/bailey/internal/probe"

// plants are control files, by what acts on them. They stand here as in the
// advisories, and not as in the table that protects them.
func plants() []string {
	return []string{
		".mcp.json", ".claude/settings.json", ".claude/settings.local.json", ".claude/commands/x.md", ".claude/agents/x.md", ".claude/skills/x/SKILL.md",
		".cursor/mcp.json", ".cursor/hooks.json", ".cursor/rules/x.mdc", ".codex/config.toml", ".codex/hooks.json", ".gemini/settings.json", ".gemini/.env",
		".vscode/settings.json", ".vscode/launch.json", ".vscode/mcp.json", ".idea/workspace.xml", ".devcontainer/devcontainer.json", ".devcontainer.json",
		".zed/tasks.json", ".windsurf/x", ".kiro/x", ".roo/mcp.json", ".continue/config.yaml", ".qwen/settings.json", ".opencode/x", "opencode.json", ".amp/x",
		".aider.conf.yml", ".envrc", ".direnv/x", "mise.toml", ".mise.toml", ".tool-versions", ".shadowenv.d/x", ".husky/pre-push", ".pre-commit-config.yaml",
		"lefthook.yml", ".lefthook/pre-commit/x", ".overcommit.yml", ".hg/hgrc", ".jj/x", ".exrc", ".nvim.lua", ".lvimrc", ".dir-locals.el", ".gdbinit", ".lldbinit",
		".yarnrc.yml", ".yarnrc", ".pnpmfile.cjs",
	}
}

func planting() []probe.Probe {
	rows := []probe.Probe{
		{ID: "C03", Attack: "Rename .git away and put another in its place", Stop: by(gitdir, "EBUSY", "EXDEV", "EACCES", "EPERM", "ENOENT"), Alone: true, Host: list("git status"),
			Shell: `mv .git .g; mkdir -p .git/hooks; git init -q; git config core.fsmonitor "touch $MARK; false"; true`, Source: "a read-only bind on .git/hooks alone"},
		{ID: "C04", Attack: "Rename a new file over .git/config", Watch: list("ws:.git/config"), Alone: true, Stop: by(gitdir, probe.Nothing),
			Shell: `cp .git/config t; printf '[core]\n\tfsmonitor = "touch %s; false"\n' "$MARK" >> t; mv t .git/config`, Host: list("git status")},
		{ID: "C05", Attack: "Swap the parents of a control file: rename, rename back, hard link", Watch: list("ws:.vscode/tasks.json"), Alone: true, Stop: by(readonly, "EBUSY", "EROFS", "EXDEV", "EACCES", "EPERM", "ENOTDIR", "ENOENT"),
			Shell: `mv .vscode v; mkdir .vscode; echo pwned > .vscode/tasks.json; ln v/tasks.json h && echo pwned > h; rm -rf .vscode; echo pwned > .vscode/tasks.json; true`},
		{ID: "C06", Attack: "Write hooks that run on git status, branch and commit", Watch: list("ws:.git/hooks/post-index-change", "ws:.git/hooks/reference-transaction", "ws:.git/hooks/pre-commit"),
			Alone: true, Stop: by(gitdir, probe.Nothing), Host: list("touch file.txt; git status", "git branch q", "git commit -q --allow-empty -m x"),
			Shell: `mkdir -p .git/hooks; for h in post-index-change reference-transaction pre-commit; do printf '#!/bin/sh\ntouch %s\n' "$MARK" > .git/hooks/$h; chmod +x .git/hooks/$h; done`, Source: "CVE-2026-26268"},
		{ID: "C07", Attack: "Set a command in the repository's configuration", Watch: list("ws:.git/config"), Alone: true, Stop: by(gitdir, probe.Nothing), Host: list("git status"),
			Shell: `git config core.fsmonitor "touch $MARK; false"`, Source: "CVE-2026-55607"},
		{ID: "C08", Attack: "Make .git a file that points elsewhere", Watch: list("ws:.git"), Alone: true, Host: list("git status"), Stop: by(gitdir, "EBUSY", "EPERM", "EACCES", "EXDEV", "ENOENT"),
			Shell: `cp -r .git evil; git config -f evil/config core.fsmonitor "touch $MARK; false"; rm -rf .git; mv .git gone; echo 'gitdir: evil' > .git; true`},
		{ID: "C09", Attack: "Write to the git directories of worktrees and submodules", Watch: list("ws:.git/config.worktree", "ws:.git/worktrees/w/commondir", "ws:.git/commondir", "ws:.git/modules/s/config"),
			Alone: true, Stop: by(gitdir, probe.Nothing), Host: list("git status"),
			Shell: `printf '[core]\nfsmonitor = "touch %s; false"\n' "$MARK" > .git/config.worktree; git config extensions.worktreeConfig true
				mkdir -p .git/worktrees/w .git/modules/s; echo /evil > .git/worktrees/w/commondir; cp .git/config.worktree .git/modules/s/config; echo ../evil > .git/commondir`},
		{ID: "C10", Attack: "Make a repository with commands in a subdirectory", Alone: true, Watch: list("ws:sub/.git/config"), Host: list("cd sub && git status"), Stop: by(watch, probe.Quarantined, "ENOENT"),
			Modes:  modes(list(probe.Nothing, "ENOENT"), list("EPERM", "ENOENT")),
			Shell:  `git init -q sub; git -C sub config core.fsmonitor "touch $MARK; false"; true`,
			Source: "CVE-2026-26268"},
		{ID: "C11", Attack: "Make a bare repository out of a subdirectory", Alone: true, Host: list("cd sub && git status"), Stop: by(watch, probe.Nothing, "ENOENT"),
			Modes:  modes(list(probe.Nothing, "ENOENT"), list("EPERM", "ENOENT")),
			Shell:  `git init -q --bare sub; git -C sub config core.bare false; git -C sub config core.worktree ..; git -C sub config core.fsmonitor "touch $MARK; false"; true`,
			Source: "embedded bare repositories"},
		{ID: "C12", Attack: "Write to the shell's and the login's start files", Stop: by(home, probe.Nothing), Alone: true,
			Watch: list("home:.bashrc", "home:.bash_profile", "home:.profile", "home:.zshrc", "home:.zshenv", "home:.config/fish/config.fish", "home:.inputrc", "home:.pam_environment"),
			Shell: `mkdir -p ~/.config/fish; for f in .bashrc .bash_profile .profile .zshrc .zshenv .config/fish/config.fish .inputrc .pam_environment; do echo pwned >> ~/$f; done`, Source: "npm worm of August 2025"},
		{ID: "C13", Attack: "Write units, autostart entries, timers and bus services", Stop: by(home, probe.Nothing), Alone: true,
			Watch: list("home:.config/systemd/user/x.service", "home:.config/autostart/x.desktop", "home:.local/share/dbus-1/services/x.service", "home:.config/environment.d/x.conf"),
			Shell: `cd ~ && mkdir -p .config/systemd/user .config/autostart .local/share/dbus-1/services .config/environment.d && for f in .config/systemd/user/x.service .config/autostart/x.desktop .local/share/dbus-1/services/x.service .config/environment.d/x.conf; do echo pwned > $f; done`, Source: "Python stealer of March 2026"},
		{ID: "C14", Attack: "Put programs into directories of the user's PATH", Stop: by(home+", "+tree, probe.Nothing, "EROFS", "EACCES"), Alone: true,
			Watch: list("home:.local/bin/git", "home:bin/git", "home:.cargo/bin/git", "home:go/bin/git", "home:.pyenv/shims/git"),
			Shell: `cd ~ && for d in .local/bin bin .cargo/bin go/bin .pyenv/shims; do mkdir -p $d; echo pwned > $d/git; done; true`},
		{ID: "C15", Attack: "Write to git's, npm's, pip's and ssh's own settings in the home", Stop: by(home, probe.Nothing), Alone: true,
			Watch: list("home:.gitconfig", "home:.config/git/config", "home:.npmrc", "home:.config/pip/pip.conf", "home:.ssh/config", "home:.ssh/authorized_keys"),
			Shell: `cd ~ && mkdir -p .config/git .config/pip .ssh; for f in .gitconfig .config/git/config .npmrc .config/pip/pip.conf .ssh/config .ssh/authorized_keys; do echo pwned >> $f; done`},
		{ID: "C16", Attack: "Change files that the user's tools run, unnoticed", Scene: "flagged", Stop: by(told, probe.Flagged),
			Args: list("Makefile", "package.json", "conftest.py", "build.rs", "pyproject.toml", ".github/workflows/x.yml", "Dockerfile", "vite.config.ts", "jest.config.js", "gradlew", "setup.py", "compose.yaml")},
		{ID: "C17", Attack: "Replace an interpreter or shim that the editor runs from the project, unnoticed", Scene: "flagged", Stop: by(told, probe.Flagged),
			Args: list(".venv/bin/python", "venv/lib/site-packages/x.pth", "node_modules/.bin/eslint", "sitecustomize.py"), Source: "CVE-2026-73217"},
		{ID: "C18", Attack: "Write the user's npm settings of the project", Watch: list("ws:.npmrc"), Alone: true, Stop: by(readonly, "EROFS", "EBUSY", "EACCES", "EPERM"), Modes: modes(list(probe.Nothing), nil),
			Shell: `echo 'script-shell=/bin/true' >> .npmrc; echo x > t; mv t .npmrc; sed -i s/a/b/ .npmrc`},
		{ID: "C21", Attack: "Make file names that a host tool's output would carry out", Scene: "names", Stop: by(told, probe.Nothing), Source: "CVE-2025-48384"},
		{ID: "C22", Attack: "Leave a set-id or capable program", Alone: true, Stop: by(filter, "EPERM"), Host: list(`find . -perm /6000 | grep -q . && touch "$MARK"; true`),
			Shell: `cp /bin/sh s && chmod 6755 s; cp /bin/sh s2 && chmod u+s s2; python3 -c 'import os; os.chmod("s",0o4755)'; install -m 4755 /bin/sh s3; true`},
		{ID: "C23", Attack: "Leave a device file", Who: probe.Root, Alone: true, Stop: by(noCaps, "EPERM"), Host: list(`test -c n && touch "$MARK"; true`), Shell: `mknod n c 1 3`},
		{ID: "C24", Attack: "Leave pipes, endless files and loops where host code reads", Scene: "traps", Stop: by("safefs", probe.Nothing), Source: "spool readers that hang on /dev/zero"},
		{ID: "C26", Attack: "Write bailey.yaml and wait for the next session", Scene: "ownManifest", Stop: by("confirmed manifest", probe.NoName), Source: "repository settings that act before the trust dialogue"},
	}
	for _, p := range plants() {
		rows = append(rows, probe.Probe{ID: "C02-" + p, Attack: "Plant " + p, Call: "plant", Args: list(p), Watch: list("ws:" + p),
			Stop: by(stopOfPlant(p), "EROFS", "EBUSY", "EACCES", "ENOENT", probe.Quarantined), Modes: modes(list(probe.Nothing, "ENOENT"), list("EPERM", "ENOENT"))})
	}
	return rows
}

// stopOfPlant: .vscode is in the project from the beginning.
func stopOfPlant(p string) string {
	if len(p) > 7 && p[:7] == ".vscode" {
		return readonly
	}
	return watch
}
