package catalogue

import "github.com/bailey-project/bailey/internal/probe"

func start() []probe.Probe {
	rows := []probe.Probe{
		{ID: "A01", Attack: "None: the project can be read and written", Positive: true,
			Shell: `echo x > made.txt && grep -q x made.txt && rm made.txt && echo GOT it`},
		{ID: "A02", Attack: "None: a host that the user allowed answers", Positive: true, Call: "fetch",
			Tame: "the name exists only for the gateway"},
		{ID: "A03", Attack: "None: git, node and python start", Positive: true,
			Shell: `git status >/dev/null && node -e 0 && python3 -c pass && echo GOT them`},
		{ID: "A04", Attack: "Run without no_new_privs, without a filter or with a capability", Call: "attest",
			Stop: by("all", probe.Nothing), Source: "seccomp(2), capabilities(7)"},
		{ID: "A07", Attack: "Reach a host although the list of allowed hosts is empty", Call: "namedTCP", Args: list("evil.example"),
			Stop: by(gate, probe.NoName), Source: "CVE-2025-66479"},
		{ID: "A09", Attack: "Start with a policy that has a mistyped key", Scene: "typo", Stop: by(refuse, probe.Refused)},
		{ID: "A11", Attack: "Switch the sandbox off from inside: flags, variables, a nested run of Bailey", Alone: true, Stop: by(tree, "ENOENT"),
			Shell: `BAILEY_DISABLE=1 BAILEY_SANDBOX=off NO_SANDBOX=1 cat "$OUT/secret"; for c in "agent -q" "run" "sandbox"; do
				env -u BAILEY_SESSION ./.attack/bailey $c -- cat "$OUT/secret"; BAILEY_HOME="$OWN" ./.attack/bailey $c -- cat "$OUT/secret"; done </dev/null`,
			Source: "agents that turned their own sandbox off, 2026"},
		{ID: "A13", Attack: "Try again after a refusal, in the hope of a retry outside", Stop: by(tree, "ENOENT"),
			Shell: `cat "$OUT/secret" || cat "$OUT/secret" || (sleep 0; cat "$OUT/secret")`},
		{ID: "A14", Attack: "Let another program read: interpreters, a daemonised grandchild, an exec'd copy", Stop: by(tree, "ENOENT"),
			Shell: `python3 -c 'import os; print(open(os.environ["OUT"]+"/secret").read())'; node -e 'console.log(require("fs").readFileSync(process.env.OUT+"/secret","utf8"))'
				perl -e 'open F,"<","$ENV{OUT}/secret" or die "$!"; print <F>'; setsid -w sh -c 'cat "$OUT/secret"'; (cat "$OUT/secret" &) ; wait`,
			Source: "file tools that ran outside of the sandbox of the shell tool"},
		{ID: "A15", Attack: "Make another directory the working one and write there", Stop: by(tree, "ENOENT"),
			Shell: `cd "$OUT" && touch x`, Watch: list("out:x"), Source: "CVE-2025-59532"},
		{ID: "A16", Attack: "Name a file through paths that are hard to make canonical", Stop: by(tree, "ENOENT", "ELOOP"),
			Shell:  `ln -s "$OUT/dir/../secret" l1; cat l1; ln -s l2 l2; cat l2; cat "$OUT/./dir/..//secret" "/proc/self/cwd/../out/secret"; rm -f l1 l2`,
			Source: "CVE-2026-50549"},
	}
	for _, m := range []struct{ layer, what string }{
		{"userns", "user namespaces are forbidden"},
		{"landlock", "Landlock is not in the kernel"},
		{"seccomp", "no filter can be installed"},
		{"nftables", "nf_tables is not there"},
		{"procfs", "/proc is partly masked, as in a container"},
		{"mounts", "the new mount calls are missing"},
	} {
		rows = append(rows, probe.Probe{ID: "A06-" + m.layer, Attack: "Get a weaker sandbox in silence where " + m.what,
			Scene: "without", Args: list(m.layer), Stop: by(refuse, probe.Refused), Source: "sandboxes that warn and go on"})
	}
	return rows
}
