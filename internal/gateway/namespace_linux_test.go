package gateway

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestInNamespace runs real programs in an empty network namespace whose
// connections are redirected to the gateway, as a session does: they are told of
// nothing but the CA bundle in its usual place.
func TestInNamespace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: a network namespace of one's own is made for this test")
	}
	out := &outsideLog{}
	w := &world{t: t, doors: map[string]net.Listener{}, handler: out}
	w.rules = mustRules(t, "pay.test: write", "docs.test", "git.test")
	w.binds = testBindings()
	w.outside()
	gate, err := New(Config{Rules: w.getRules, Bindings: w.getBindings, Value: w.getValue, Event: w.record, Pins: w.pins()})
	if err != nil {
		t.Fatal(err)
	}
	w.Gateway = gate
	done := make(chan error, 1)
	finished := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // its thread changes namespaces and dies with it
		defer close(finished)
		runtime.LockOSThread()
		tcp, dns, err := enterNamespace(t, gate.CAPEM())
		if err != nil {
			t.Error(err)
			done <- nil
			return
		}
		go func() { done <- gate.Serve(ctx, tcp, dns) }()
		tryPrograms(t, w, out)
	}()
	<-finished
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.noValues()
}

// enterNamespace gives the calling thread an empty network and returns the
// listeners to which it leads.
func enterNamespace(t *testing.T, ca []byte) (tcp []net.Listener, dns []net.PacketConn, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return nil, nil, fmt.Errorf("unshare: %w", err)
	}
	if err := mounts(t, ca); err != nil {
		return nil, nil, err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, nil, err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return nil, nil, err
	}
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		_, dst, _ := net.ParseCIDR(all)
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: dst, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST}); err != nil {
			return nil, nil, fmt.Errorf("route %s: %w", all, err)
		}
	}
	const port = 15001
	for _, addr := range []string{"127.0.0.1", "[::1]"} {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", addr, port))
		if err != nil {
			return nil, nil, err
		}
		c, err := net.ListenPacket("udp", fmt.Sprintf("%s:%d", addr, port))
		if err != nil {
			return nil, nil, err
		}
		tcp, dns = append(tcp, l), append(dns, c)
	}
	return tcp, dns, redirect(port)
}

// mounts shows the thread's programs the CA and the resolver.
func mounts(t *testing.T, ca []byte) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	dir := t.TempDir()
	for path, text := range map[string][]byte{
		"/etc/resolv.conf":                   []byte("nameserver " + Resolver.String() + "\n"),
		"/etc/ssl/certs/ca-certificates.crt": ca,
	} {
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return err
		}
		if err := unix.Mount(file, real, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount on %s: %w", real, err)
		}
	}
	return nil
}

// redirect leads all TCP but that of loopback, and DNS, to one port.
func redirect(port uint16) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "test"})
	chain := c.AddChain(&nftables.Chain{Name: "out", Table: table, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest})
	accept := &expr.Verdict{Kind: expr.VerdictAccept}
	add := func(e ...expr.Any) { c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: e}) }
	proto := func(p byte) []expr.Any {
		return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{p}}}
	}
	to := []expr.Any{&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)}, &expr.Redir{RegisterProtoMin: 1}}
	add(&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.NFPROTO_IPV4}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{127}}, accept)
	one := netip.IPv6Loopback().As16()
	add(&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.NFPROTO_IPV6}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 24, Len: 16}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: one[:]}, accept)
	add(append(proto(unix.IPPROTO_TCP), to...)...)
	add(append(append(proto(unix.IPPROTO_UDP), &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(53)}), to...)...)
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// tryPrograms runs on the thread in the namespace: its children are there too.
func tryPrograms(t *testing.T, w *world, out *outsideLog) {
	auth := "Authorization: Bearer " + payPlace
	node := "fetch('https://pay.test/node', {headers: {Authorization: 'Bearer " + payPlace + "'}}).then(r => r.text()).then(console.log)"
	python := "import http.client\nc = http.client.HTTPSConnection('pay.test')\nc.request('GET', '/', headers={'Authorization': 'Bearer " + payPlace + "'})\nprint(c.getresponse().read())"
	for _, tc := range []struct {
		args   []string
		text   string
		inject bool
	}{
		{[]string{"curl", "-sS", "-H", auth, "https://pay.test/"}, "hello from outside", true},
		{[]string{"curl", "-sS", "-6", "-H", auth, "https://pay.test/"}, "hello from outside", true},
		{[]string{"curl", "-sS", "-4", "http://docs.test/"}, "hello from outside", false},
		{[]string{"wget", "-q", "-O", "-", "--header=" + auth, "https://pay.test/"}, "hello from outside", true},
		{[]string{"node", "-e", node}, "hello from outside", true},
		{[]string{"python3", "-c", python}, "hello from outside", true},
		{[]string{"python3", "-c", "import urllib.request; print(urllib.request.urlopen('https://docs.test/').read())"}, "hello from outside", false},
		{[]string{"sh", "-c", "printf 'GET / HTTP/1.0\\r\\nHost: docs.test\\r\\n\\r\\n' | openssl s_client -quiet -ign_eof -verify_return_error -connect docs.test:443"}, "hello from outside", false},
		{[]string{"git", "-c", "http.extraHeader=" + auth, "ls-remote", "https://pay.test/r.git"}, "", true}, // the outside holds no repository
		{[]string{"curl", "-sS", "https://evil.test/"}, "Could not resolve host", false},
		{[]string{"curl", "-sS", "--max-time", "5", "https://1.2.3.4/"}, "access denied", false},
		{[]string{"curl", "-sS", "--max-time", "5", "https://[2606:4700::1111]/"}, "access denied", false},
		{[]string{"curl", "-sS", "http://169.254.169.254/latest/meta-data"}, "Reason: no rule allows it\nDo not retry and do not look for a way around it: the answer will be the same.\n", false},
		{[]string{"curl", "-sS", "--max-time", "5", "telnet://1.2.3.4:6667"}, "", false},
		{[]string{"curl", "-sS", "https://docs.test/?k=" + payPlace}, "bound to pay.test", false},
		{[]string{"curl", "-sS", "--max-time", "2", "http://127.0.0.1:8099/"}, "Failed to connect", false}, // loopback is its own
	} {
		if _, err := exec.LookPath(tc.args[0]); err != nil {
			t.Logf("%s is not available and was not tried", tc.args[0])
			continue
		}
		got := output(t, tc.args)
		if !strings.Contains(got, tc.text) {
			t.Errorf("%q: %q", tc.args, got)
		}
		if r, _ := out.last(); tc.inject && r.Header.Get("Authorization") != "Bearer "+payValue {
			t.Errorf("%q: the value was not put in", tc.args)
		}
	}
	w.event(Denied, "look up evil.test")
	w.event(Denied, "connect 1.2.3.4:443")
	w.event(Denied, "connect [2606:4700::1111]:443")
	w.event(Denied, "connect 1.2.3.4:6667")
	w.event(Denied, "connect 169.254.169.254:80 (no rule allows it, and it is no public address)")
	w.event(Alarm, "PAY_KEY")
}

func output(t *testing.T, args []string) string {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt", "PYENV_ROOT=" + os.Getenv("PYENV_ROOT")}
	out, _ := cmd.CombinedOutput()
	return string(out)
}
