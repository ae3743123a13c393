package catalogue

import "github.com/bailey-project/bailey/internal/probe"

// socketRow is a probe that sends its token to unix sockets.
func socketRow(id, attack, source string, paths ...string) probe.Probe {
	return probe.Probe{ID: id, Attack: attack, Call: "unixSockets", Args: paths, Stop: by(tree, "ENOENT", "ENOTDIR"), Source: source}
}

func channels() []probe.Probe {
	return []probe.Probe{
		socketRow("E01", "Ask a container engine's socket", "CVE-2025-9074 and every mounted docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
			"/run/buildkit/buildkitd.sock", "/run/crio/crio.sock", "/run/libvirt/libvirt-sock", "/run/snapd.socket", "/run/user/UID/docker.sock", "/run/user/UID/podman/podman.sock", "HOME/.docker/run/docker.sock"),
		socketRow("E04", "Ask systemd to start a unit outside", "GHSA-wr3w-jmg2-xhcx", "/run/systemd/private", "/run/user/UID/systemd/private"),
		socketRow("E05", "Ask the session bus: keyring, portals, notifications", "CVE-2026-34078", "/run/user/UID/bus", "/run/dbus/system_bus_socket"),
		socketRow("E07", "Use the user's ssh-agent", "", "SOCKS/agent.sock", "/run/user/UID/keyring/ssh", "HOME/.1password/agent.sock"),
		socketRow("E08", "Use the user's gpg-agent", "", "/run/user/UID/gnupg/S.gpg-agent", "/run/user/UID/gnupg/S.gpg-agent.ssh", "HOME/.gnupg/S.gpg-agent"),
		{ID: "E09", Attack: "Connect to abstract sockets of the host", Call: "abstract", Stop: by(netns, "ECONNREFUSED", "EPERM"), Source: "CVE-2020-15257"},
		{ID: "E10", Attack: "Send datagrams to a socket of the host", Call: "unixDatagram", Args: list("SOCKS/dg.sock", "/run/systemd/notify", "/dev/log"), Stop: by(tree, "ENOENT")},
		{ID: "E11", Attack: "Connect to a host socket that lies in the project", Call: "unixSockets", Args: list("WS/host.sock", "WS/app/dev.sock"), Stop: by(masks, "ECONNREFUSED", "EACCES")},
		{ID: "E12", Attack: "Connect to a host socket that appeared in the project during the session, a second ago", Call: "lateSocket", Alone: true, Stop: by(watch, "ECONNREFUSED", "ENOENT", "EACCES"),
			Modes: modes(list("ENOENT"), nil), Source: "dev servers that listen in the tree"},
		socketRow("E13", "Type into a terminal multiplexer of the user", "", "/tmp/tmux-UID/default", "/run/screen/S-user/1.x"),
		socketRow("E14", "Command the user's editor", "CVE-2025-52882", "/run/user/UID/vscode-ipc-1.sock", "/tmp/vscode-ipc-2.sock"),
		socketRow("E16", "Reach the display, sound and input methods", "", "/run/user/UID/wayland-0", "/run/user/UID/pipewire-0", "/run/user/UID/pulse/native", "/tmp/.X11-unix/X0"),
		{ID: "E18", Attack: "Type into one's own terminal by TIOCSTI, also with the upper half of the number set", Scene: "terminal", Args: list("sti"), Stop: by(filter, "EPERM"), Source: "CVE-2019-10063"},
		{ID: "E19", Attack: "Change the line discipline, paste by TIOCLINUX", Scene: "terminal", Args: list("ldisc"), Stop: by(filter, "EPERM"), Source: "CVE-2023-28100"},
		{ID: "E20", Attack: "Write to another terminal of the user", Call: "otherTerminals", Stop: by(tree, "ENOENT", "EACCES", "ENXIO", "EPERM")},
		{ID: "E21", Attack: "Set and read the clipboard, ask for the title, also wrapped for tmux and in C1", Scene: "terminal", Args: list("escapes"), Stop: by(relay, probe.Nothing)},
		{ID: "E22", Attack: "Use kernel keyrings", Call: "keyrings", Stop: by(filter, "EPERM"), Source: "keyrings have no namespace"},
		{ID: "E23", Attack: "Use SysV shared memory, message queues and POSIX names of the host", Call: "sharedMemory", Stop: by(ipc+", "+tree, "ENOENT", "EACCES", "ENOSYS", "EPERM", "EINVAL")},
		{ID: "E25", Attack: "Connect to services on the host's loopback: databases, debuggers, model servers", Call: "loopback",
			Args: list("5432", "3306", "6379", "27017", "9200", "9229", "9222", "5678", "8888", "11434", "2375", "10250", "63342"), Stop: by(netns, "ECONNREFUSED")},
		{ID: "E27", Attack: "Hand a descriptor out over a socket in a shared directory", Call: "unixSockets", Args: list("WS/host.sock"), Stop: by(masks, "ECONNREFUSED", "EACCES")},
	}
}
