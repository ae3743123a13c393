package sandbox

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/bailey-project/bailey/internal/sandbox/coder"
)

// TestFramesKeepEveryField catches a field that is not coded.
func TestFramesKeepEveryField(t *testing.T) {
	var want frame
	next := 0
	fill(reflect.ValueOf(&want).Elem(), &next)
	var wire bytes.Buffer
	if err := writeFrame(&wire, want); err != nil {
		t.Fatal(err)
	}
	got, err := readFrame(&wire, maxFrame)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %+v\ngot  %+v", want, got)
	}
}

// fill gives every exported field a value of its own.
func fill(v reflect.Value, next *int) {
	*next++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), next)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), next)
		fill(v.Index(1), next)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, next)
		fill(value, next)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text" + string(rune('a'+*next%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(*next % 200))
	default:
		v.SetInt(-int64(*next))
	}
}

func TestDamagedFramesAreErrors(t *testing.T) {
	var full frame
	next := 0
	fill(reflect.ValueOf(&full).Elem(), &next)
	body := coder.Write(full.code)
	for n := range body {
		var f frame
		if err := coder.Read(body[:n], f.code); !errors.Is(err, coder.ErrDamaged) {
			t.Fatalf("%d of %d bytes: %v", n, len(body), err)
		}
	}
	var f frame
	if err := coder.Read(append(body, 0), f.code); !errors.Is(err, coder.ErrDamaged) {
		t.Errorf("a byte too many: %v", err)
	}
}

func FuzzFrame(f *testing.F) {
	var full frame
	next := 0
	fill(reflect.ValueOf(&full).Elem(), &next)
	f.Add(coder.Write(full.code))
	f.Fuzz(func(t *testing.T, b []byte) {
		var one, two frame
		if coder.Read(b, one.code) != nil {
			return
		}
		if err := coder.Read(coder.Write(one.code), two.code); err != nil || !reflect.DeepEqual(one, two) {
			t.Errorf("read %+v, and after writing it %+v, %v", one, two, err)
		}
	})
}
