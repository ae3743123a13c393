package catalogue

import "github.com/bailey-project/bailey/internal/probe"

func record() []probe.Probe {
	return []probe.Probe{
		{ID: "Q03", Attack: "Collect decoys: each planted place has a canary of its own", Stop: by(home+", "+tree, probe.Nothing), Call: "harvest", Source: "what a stealer walks over"},
		{ID: "Q04", Attack: "Let a decoy's own name be resolved", Call: "dnsName", Stop: by(gate, probe.NoName)},
		{ID: "Q05", Attack: "Empty or forge the record", Watch: list("own:audit/canary", "own:audit/forged", "own:config.yaml"), Alone: true, Stop: by(tree, "ENOENT", probe.Nothing),
			Shell: `for d in "$OWN" ~/.local/share/bailey ~/.local/state/bailey; do : > $d/audit/canary; echo '{"forged":1}' >> $d/audit/forged; echo 'network: [evil.example]' > $d/config.yaml; done`},
		{ID: "Q06", Attack: "Forge a line of the record or the user's screen by what one asks for", Scene: "forgedLine", Stop: by(told, probe.Nothing)},
		{ID: "Q08", Attack: "Mute the kernel's record of one's own denials", Call: "mute", Stop: by("landlock", "EINVAL", "EPERM", probe.Nothing), Tame: "the flag concerns domains that the caller makes below its own, not the sandbox's"},
	}
}
