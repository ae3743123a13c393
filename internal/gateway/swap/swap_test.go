package swap

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

const (
	payPlace  = "sk_live_Placeholder0000000000payA"
	payValue  = "sk_live_RealRealReal9999999999Xyz"
	mailPlace = "re_PlaceholderMail11111111"
	mailValue = `re_"Re&al"+Mail/222 2222%`
	bareValue = "postgres://app:Zq8-Wk3-Vn5@db.test/shop"
)

var (
	bindings = []policy.Binding{
		{Name: "PAY_KEY", Placeholder: payPlace, Hosts: []policy.Host{{Name: "pay.test"}}},
		{Name: "MAIL_KEY", Placeholder: mailPlace, Hosts: []policy.Host{{Name: "mail.test"}, {Name: "*.mail.test", Port: 8443}}},
	}
	known = []Known{
		{"PAY_KEY", payPlace, secret.NewValue([]byte(payValue))},
		{"MAIL_KEY", mailPlace, secret.NewValue([]byte(mailValue))},
		{"DATABASE_URL", "", secret.NewValue([]byte(bareValue))},
		{"SHORT", "SHORTSHORTSHORTSHORT", secret.NewValue([]byte("hunter2"))},
	}
	out = NewOutgoing(bindings, known)

	pay  = Destination{Name: "pay.test", Port: 443, Secure: true}
	mail = Destination{Name: "mail.test", Port: 443, Secure: true}
	docs = Destination{Name: "docs.test", Port: 443, Secure: true}
)

func lookup(b policy.Binding) (secret.Value, error) {
	for _, k := range known {
		if k.Name == b.Name {
			return k.Value, nil
		}
	}
	return secret.Value{}, errors.New("no such secret")
}

func basic(userinfo string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
}

func TestHeadInjects(t *testing.T) {
	for _, tc := range []struct {
		name       string
		to         Destination
		in, want   Head
		usedSecret secret.Name
	}{
		{"bearer", pay, Head{Header: http.Header{"Authorization": {"Bearer " + payPlace}}}, Head{Header: http.Header{"Authorization": {"Bearer " + payValue}}}, "PAY_KEY"},
		{"key header", pay, Head{Header: http.Header{"X-Api-Key": {payPlace}}}, Head{Header: http.Header{"X-Api-Key": {payValue}}}, "PAY_KEY"},
		{"basic user", pay, Head{Header: http.Header{"Authorization": {basic(payPlace + ":")}}}, Head{Header: http.Header{"Authorization": {basic(payValue + ":")}}}, "PAY_KEY"},
		{"basic password", mail, Head{Header: http.Header{"Authorization": {basic("x:" + mailPlace)}}}, Head{Header: http.Header{"Authorization": {basic("x:" + mailValue)}}}, "MAIL_KEY"},
		{"cookie", pay, Head{Header: http.Header{"Cookie": {"a=b; key=" + payPlace + "; c=d"}}}, Head{Header: http.Header{"Cookie": {"a=b; key=" + payValue + "; c=d"}}}, "PAY_KEY"},
		{"query", mail, Head{Query: "a=1&key=" + mailPlace + "&b"}, Head{Query: "a=1&key=" + url.QueryEscape(mailValue) + "&b"}, "MAIL_KEY"},
		{"path", mail, Head{Path: "/bot" + mailPlace + "/send"}, Head{Path: "/bot" + url.PathEscape(mailValue) + "/send"}, "MAIL_KEY"},
		{"pattern and port", Destination{"eu.mail.test", 8443, true}, Head{Query: mailPlace}, Head{Query: url.QueryEscape(mailValue)}, "MAIL_KEY"},
		{"nothing of ours", docs, Head{Header: http.Header{"Authorization": {"Bearer theirs"}}, Path: "/x", Query: "y"}, Head{Header: http.Header{"Authorization": {"Bearer theirs"}}, Path: "/x", Query: "y"}, ""},
		{"a short value is not searched for", docs, Head{Query: "q=hunter2"}, Head{Query: "q=hunter2"}, ""},
		{"hex toward the bound host stays", pay, Head{Query: hex.EncodeToString([]byte(payPlace))}, Head{Query: hex.EncodeToString([]byte(payPlace))}, ""},
	} {
		used := ""
		err := out.Head(&tc.in, tc.to, func(b policy.Binding) (secret.Value, error) { used += string(b.Name); return lookup(b) })
		if err != nil || fmt.Sprint(tc.in) != fmt.Sprint(tc.want) {
			t.Errorf("%s: %v, %v", tc.name, tc.in, err)
		}
		if used != string(tc.usedSecret) {
			t.Errorf("%s: used %v", tc.name, used)
		}
	}
}

func TestHeadStops(t *testing.T) {
	plainPay := Destination{"pay.test", 80, false}
	escaped := "%73" + payPlace[1:] // only the first letter escaped
	for _, tc := range []struct {
		name  string
		to    Destination
		in    Head
		cause Cause
	}{
		{"foreign host, header", docs, Head{Header: http.Header{"X-Anything": {"a " + payPlace + " b"}}}, Foreign},
		{"foreign host, bearer", mail, Head{Header: http.Header{"Authorization": {"Bearer " + payPlace}}}, Foreign},
		{"foreign host, basic", docs, Head{Header: http.Header{"Authorization": {basic("u:" + payPlace)}}}, Foreign},
		{"foreign host, basic without padding", docs, Head{Header: http.Header{"Authorization": {strings.TrimRight("basic  "+basic("us:" + payPlace)[6:], "=")}}}, Foreign},
		{"foreign host, query", docs, Head{Query: "q=" + payPlace}, Foreign},
		{"foreign host, query half escaped", docs, Head{Query: "q=" + escaped}, Foreign},
		{"foreign host, query half escaped among broken escapes", docs, Head{Query: "a=%zz&q=" + escaped + "%"}, Foreign},
		{"foreign host, path", docs, Head{Path: "/a/" + payPlace}, Foreign},
		{"foreign host, base64 in a header", docs, Head{Header: http.Header{"X-Data": {base64.StdEncoding.EncodeToString([]byte("xy" + payPlace + "z"))}}}, Foreign},
		{"foreign host, hex in the query", docs, Head{Query: hex.EncodeToString([]byte(payPlace))}, Foreign},
		{"subdomain of the bound host", Destination{"evil.pay.test", 443, true}, Head{Query: payPlace}, Foreign},
		{"other port of the bound host", Destination{"pay.test", 8443, true}, Head{Query: payPlace}, Foreign},
		{"own host without TLS", plainPay, Head{Header: http.Header{"Authorization": {"Bearer " + payPlace}}}, Plaintext},
		{"real value", docs, Head{Query: "q=" + payValue}, Leak},
		{"real value toward its own host", pay, Head{Header: http.Header{"Authorization": {"Bearer " + payValue}}}, Leak},
		{"real value in basic", pay, Head{Header: http.Header{"Authorization": {basic(payValue + ":")}}}, Leak},
		{"real value without binding, base64", docs, Head{Path: "/" + base64.RawURLEncoding.EncodeToString([]byte(bareValue))}, Leak},
		{"foreign key", pay, Head{Header: http.Header{"Authorization": {"Bearer sk_live_attacker"}}}, ForeignKey},
		{"foreign key before ours", pay, Head{Header: http.Header{"Authorization": {"Bearer attacker " + payPlace}}}, ForeignKey},
		{"foreign key, comma, ours", pay, Head{Header: http.Header{"Authorization": {"Bearer attacker," + payPlace}}}, ForeignKey},
		{"foreign key glued to ours", pay, Head{Header: http.Header{"X-Api-Key": {"attacker" + payPlace}}}, ForeignKey},
		{"second header foreign", pay, Head{Header: http.Header{"Authorization": {"Bearer " + payPlace, "Bearer attacker"}}}, ForeignKey},
		{"other key header foreign", pay, Head{Header: http.Header{"Authorization": {"Bearer " + payPlace}, "X-Api-Key": {"attacker"}}}, ForeignKey},
		{"foreign basic", pay, Head{Header: http.Header{"Authorization": {basic("attacker:attacker")}}}, ForeignKey},
		{"foreign basic, ours appended", pay, Head{Header: http.Header{"Authorization": {basic("attacker:attacker" + payPlace)}}}, ForeignKey},
	} {
		if tc.in.Header == nil {
			tc.in.Header = http.Header{}
		}
		err := out.Head(&tc.in, tc.to, lookup)
		var stop *Stop
		if !errors.As(err, &stop) || stop.Cause != tc.cause {
			t.Errorf("%s: %v, want cause %d", tc.name, err, tc.cause)
			continue
		}
		for _, v := range []string{payValue, mailValue, bareValue, payPlace} {
			if strings.Contains(err.Error(), v) {
				t.Errorf("%s: the error shows a value", tc.name)
			}
		}
	}
}

func TestHeadAcceptsOurKeyForms(t *testing.T) {
	for _, v := range []string{"Bearer " + payPlace, "bearer  " + payPlace, payPlace, "Token token=" + payPlace, `Token token="` + payPlace + `"`, "key=" + payPlace,
		basic(payPlace + ":"), basic("x-access-token:" + payPlace), "AWS4-HMAC-SHA256 Credential=" + payPlace + "/2026, SignedHeaders=host", ""} {
		h := Head{Header: http.Header{"Authorization": {v}}}
		if err := out.Head(&h, pay, lookup); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func TestHeadUnavailableAndUnfit(t *testing.T) {
	locked := errors.New("locked")
	h := Head{Header: http.Header{"Authorization": {"Bearer " + payPlace}}}
	err := out.Head(&h, pay, func(policy.Binding) (secret.Value, error) { return secret.Value{}, locked })
	var stop *Stop
	if !errors.As(err, &stop) || stop.Cause != Unavailable || !errors.Is(err, locked) {
		t.Errorf("locked: %v", err)
	}
	h = Head{Header: http.Header{"Authorization": {"Bearer " + payPlace}}}
	err = out.Head(&h, pay, func(policy.Binding) (secret.Value, error) { return secret.NewValue([]byte("line\r\nX-Evil: 1")), nil })
	if !errors.As(err, &stop) || stop.Cause != Unfit {
		t.Errorf("line break: %v", err)
	}
}

func TestWhole(t *testing.T) {
	const form, js = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	injected := `re_\"Re&al\"+Mail/222 2222%`
	for _, tc := range []struct {
		name, contentType, in, want string
		to                          Destination
	}{
		{"json", js, `{"a":1,"api_key" : "` + mailPlace + `","b":2}`, `{"a":1,"api_key" : "` + injected + `","b":2}`, mail},
		{"json twice", js, `{"client_secret":"` + mailPlace + `","x":{"Password":"` + mailPlace + `"}}`, `{"client_secret":"` + injected + `","x":{"Password":"` + injected + `"}}`, mail},
		{"form", form, "grant_type=x&client_secret=" + mailPlace + "&x=y", "grant_type=x&client_secret=" + url.QueryEscape(mailValue) + "&x=y", mail},
		{"form, alone", form, "key=" + mailPlace, "key=" + url.QueryEscape(mailValue), mail},
		{"nothing", js, `{"k":"v"}`, `{"k":"v"}`, docs},
	} {
		got, err := out.Whole([]byte(tc.in), tc.contentType, tc.to, lookup)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}
}

// Where a value would be published or become part of a conversation, the
// placeholder toward its own host stays.
func TestWholeLeavesText(t *testing.T) {
	for _, tc := range []struct{ name, contentType, in string }{
		{"issue text", "application/json", `{"title":"x","body":"my key is ` + mailPlace + `"}`},
		{"issue that is the key", "application/json", `{"title":"` + mailPlace + `"}`},
		{"longer value of a key", "application/json", `{"api_key":"x` + mailPlace + `"}`},
		{"JSON in JSON", "application/json", `{"content":"{\"api_key\":\"` + mailPlace + `\"}"}`},
		{"file in a gist", "application/json", `{"files":{"api_key":{"content":"` + mailPlace + `"}}}`},
		{"array", "application/json", `{"api_key":["` + mailPlace + `"]}`},
		{"form text", "application/x-www-form-urlencoded", "message=" + mailPlace},
		{"form, longer", "application/x-www-form-urlencoded", "key=" + mailPlace + "+x"},
		{"plain text", "text/plain", "key=" + mailPlace},
		{"base64", "application/json", `{"key":"` + base64.StdEncoding.EncodeToString([]byte(mailPlace)) + `"}`},
	} {
		got, err := out.Whole([]byte(tc.in), tc.contentType, mail, lookup)
		if err != nil || string(got) != tc.in {
			t.Errorf("%s: %q, %v", tc.name, got, err)
		}
	}
}

func TestBodyStops(t *testing.T) {
	every := ""
	for _, c := range []byte(payPlace) {
		every += fmt.Sprintf("%%%02x", c)
	}
	for _, tc := range []struct {
		name, in string
		to       Destination
		cause    Cause
	}{
		{"foreign", payPlace, docs, Foreign},
		{"foreign, base64", base64.URLEncoding.EncodeToString([]byte("a" + payPlace)), docs, Foreign},
		{"foreign, every byte escaped", every, docs, Foreign},
		{"foreign, in a key's field", `{"key":"` + payPlace + `"}`, mail, Foreign},
		{"real", bareValue, pay, Leak},
	} {
		for _, pad := range []int{0, 100, 2 << 20} {
			in := strings.Repeat("x", pad) + tc.in + strings.Repeat("y", pad)
			var stop *Stop
			if _, err := out.Whole([]byte(in), "application/json", tc.to, lookup); !errors.As(err, &stop) || stop.Cause != tc.cause {
				t.Errorf("%s after %d bytes: %v", tc.name, pad, err)
			}
			got, err := io.ReadAll(out.Check(strings.NewReader(in), tc.to))
			if !errors.As(err, &stop) || stop.Cause != tc.cause {
				t.Errorf("%s after %d bytes, in passing: %v", tc.name, pad, err)
			}
			if bytes.Contains(got, []byte(strings.TrimPrefix(tc.in, `{"key":"`)[:8])) {
				t.Errorf("%s after %d bytes: a part was let through", tc.name, pad)
			}
		}
	}
	in := strings.Repeat("x", 70000) + payPlace
	if got, err := io.ReadAll(out.Check(iotest.OneByteReader(strings.NewReader(in)), pay)); err != nil || string(got) != in {
		t.Errorf("toward its own host: %d bytes, %v", len(got), err)
	}
}

func TestIncoming(t *testing.T) {
	in := NewIncoming(known)
	if got, found := in.Text("Location: /?k=" + payValue); got != "Location: /?k="+payPlace || len(found) != 1 || found[0] != "PAY_KEY" {
		t.Errorf("%q, %v", got, found)
	}
	if got, _ := in.Text("x" + bareValue + "x"); got != "x"+strings.Repeat("*", len(bareValue))+"x" {
		t.Errorf("without a placeholder: %q", got)
	}
	if got, found := in.Text("hunter2 is short"); got != "hunter2 is short" || found != nil {
		t.Errorf("%q, %v", got, found)
	}
	for _, fixed := range []bool{false, true} {
		var a Answer
		text := strings.Repeat("z", 40000) + mailValue + url.QueryEscape(mailValue) + "end"
		a.Reset(strings.NewReader(text), in, fixed)
		got, err := io.ReadAll(&a)
		if err != nil || strings.Contains(string(got), "Re&al") || strings.Contains(string(got), "Mail%2F") || !strings.HasSuffix(string(got), "end") {
			t.Errorf("fixed %v: %.80q, %v", fixed, got[39990:], err)
		}
		if fixed != (len(got) == len(text)) {
			t.Errorf("fixed %v: %d bytes of %d", fixed, len(got), len(text))
		}
		if len(a.Found()) != 2 {
			t.Errorf("found %v", a.Found())
		}
	}
}

func TestNothingKnown(t *testing.T) {
	if NewOutgoing(nil, nil) != nil || NewIncoming(nil) != nil {
		t.Error("empty tables are not nil")
	}
	var o *Outgoing
	h := Head{Header: http.Header{"Authorization": {"Bearer x"}}}
	if err := o.Head(&h, pay, lookup); err != nil {
		t.Error(err)
	}
	if o.Leaks("x") {
		t.Error("nil leaks")
	}
}

// FuzzPlaceholder: toward a host that nothing is bound to, no text gets a value,
// and one that holds a placeholder is stopped, wherever it stands.
func FuzzPlaceholder(f *testing.F) {
	f.Add("Bearer ", "", uint8(0))
	f.Add("%25", "=", uint8(1))
	f.Fuzz(func(t *testing.T, before, after string, place uint8) {
		text := before + payPlace + after
		h := Head{Header: http.Header{}, Path: "/", Query: ""}
		switch place % 4 {
		case 0:
			h.Header["Authorization"] = []string{text}
		case 1:
			h.Query = text
		case 2:
			h.Path = "/" + text
		case 3:
			h.Header["Authorization"] = []string{basic(text)}
		}
		err := out.Head(&h, docs, lookup)
		var stop *Stop
		if !errors.As(err, &stop) {
			t.Fatalf("%q passes: %v", text, h)
		}
	})
}
