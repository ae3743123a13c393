//go:build linux

package attack

// calls are the attacks that a shell line will not do, by the name in the
// catalogue.
func calls() map[string]func(*try) {
	return map[string]func(*try){
		"abstract": abstract, "afALG": afALG, "attest": attest, "becomeRoot": becomeRoot, "bpfPerf": bpfPerf, "byHandle": byHandle,
		"cores": cores, "descriptors": descriptors, "deviceFiles": deviceFiles, "dirDescriptors": dirDescriptors,
		"disconnected": disconnected, "dns": dns, "dnsName": dnsName, "dnsTXT": dnsTXT, "families": families, "fastOpen": fastOpen,
		"fetch": fetch, "harvest": harvest, "http": overHTTP, "inotify": inotify, "int80": int80, "joinNet": joinNet,
		"kernelSettings": kernelSettings, "keyrings": keyrings, "lateSocket": lateSocket, "layers": layers, "listener": listener,
		"loopback": loopback, "machineCalls": machineCalls, "metadata": metadata, "mptcp": mptcp, "mute": mute,
		"namedTCP": namedTCP, "namespaces": namespaces, "netConfig": netConfig, "netlink": netlinks, "newMounts": newMounts,
		"oracle": oracle, "otherTerminals": otherTerminals, "otherTransports": otherTransports, "persona": persona, "ping": ping,
		"plant": plant, "procExe": procExe, "quic": quic, "rawDevices": rawDevices, "rawSockets": rawSockets, "relayed": relayed,
		"ring": ring, "sharedMemory": sharedMemory, "signals": signals, "swap": swap, "systemFiles": systemFiles, "tcp": tcp,
		"tcpTo": tcpTo, "trace": trace, "tunnels": tunnels, "udp": udp, "udpOdd": udpOdd, "unixDatagram": unixDatagram,
		"unixSockets": unixSockets, "unlock": unlock, "userfault": userfault, "x32": x32,
	}
}
