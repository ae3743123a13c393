package shamir

import (
	"bytes"
	"testing"
)

func TestAnyThresholdOfSharesGivesTheSecret(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	shares, err := Split(secret, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	for mask := range 1 << 5 {
		var some [][]byte
		for i, s := range shares {
			if mask>>i&1 == 1 {
				some = append(some, s)
			}
		}
		got, err := Combine(some)
		switch {
		case len(some) < 2:
			if err == nil {
				t.Errorf("%d shares were combined", len(some))
			}
		case err != nil:
			t.Errorf("%05b: %v", mask, err)
		case bytes.Equal(got, secret) != (len(some) >= 3):
			t.Errorf("%05b: the secret came back: %v", mask, bytes.Equal(got, secret))
		}
	}
}

// Every field element has its inverse; else some secrets could not be combined.
func TestField(t *testing.T) {
	for a := 1; a < 256; a++ {
		if p := multiply(byte(a), inverse(byte(a))); p != 1 {
			t.Fatalf("%d × its inverse = %d", a, p)
		}
	}
	// FIPS 197, section 4.2: {57} • {83} = {c1}.
	if p := multiply(0x57, 0x83); p != 0xc1 {
		t.Errorf("57 × 83 = %x", p)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ shares, threshold int }{{1, 1}, {2, 1}, {2, 3}, {256, 2}} {
		if _, err := Split([]byte("x"), c.shares, c.threshold); err == nil {
			t.Errorf("%d of %d was split", c.threshold, c.shares)
		}
	}
	if _, err := Split(nil, 3, 2); err == nil {
		t.Error("nothing was split")
	}
	shares, _ := Split([]byte("xyz"), 3, 2)
	for name, bad := range map[string][][]byte{
		"twice": {shares[0], shares[0]}, "short": {shares[0], shares[1][1:]}, "point zero": {shares[0], {1, 2, 3, 0}}, "empty": {{}, {}},
	} {
		if _, err := Combine(bad); err == nil {
			t.Errorf("%s: combined", name)
		}
	}
}
