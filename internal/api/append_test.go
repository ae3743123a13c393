package api

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
)

var texts = []string{"", "plain", `"quoted\"`, "<a href='x'>&amp;", "line\nend\t\x00\x1f\x7f", "ünï💥\u2028\u2029", "\xff\xfe", "a\xc3"}

// random fills v with anything.
func random(r *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case Plain:
		v.Set(reflect.ValueOf(NewPlain(secret.NewValue([]byte(texts[r.IntN(len(texts))])))))
		return
	case Time:
		v.Set(reflect.ValueOf(Time{time.UnixMilli(r.Int64N(1 << 42)).In(time.FixedZone("x", 3600))}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int:
		v.SetInt(r.Int64() - 1<<62)
	case reflect.Pointer:
		if v.SetZero(); r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			random(r, v.Elem())
		}
	case reflect.Slice:
		if v.SetZero(); r.IntN(3) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
			for i := range v.Len() {
				random(r, v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			random(r, v.Field(i))
		}
	default:
		panic(v.Type())
	}
}

// Every field, in every state, comes out as encoding/json has it: a field that
// is added to Secret and forgotten in appendJSON fails here.
func TestAppendIsWhatMarshalWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var list SecretList
		var one SecretOne
		random(r, reflect.ValueOf(&list).Elem())
		random(r, reflect.ValueOf(&one).Elem())
		for _, a := range []Appender{list, one} {
			want, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.AppendJSON(nil); string(got) != string(want) {
				t.Fatalf("\n%s\n%s", got, want)
			}
		}
	}
}
