package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"filippo.io/age"
	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// TPMDevice is where Linux has the TPM, behind its resource manager.
const TPMDevice = "/dev/tpmrm0"

// tpmBlob is what the TPM wrapped: two structures with their lengths, and
// whether a PIN is wanted.
type tpmBlob struct {
	pin             bool
	private, public []byte
}

// KeepInTPM makes a key and has the TPM at path (a device, or a socket of an
// emulator) wrap it, so that it opens on this machine only. With a PIN the TPM
// demands it and counts wrong ones.
func KeepInTPM(path string, pin []byte) (to age.Recipient, n Note, err error) {
	identity, to, err := NewKey()
	if err != nil {
		return nil, n, err
	}
	err = withTPM(path, func(t transport.TPM, parent srk) error {
		made, err := tpm2.Create{
			ParentHandle: parent.auth(),
			InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
				UserAuth: tpm2.TPM2BAuth{Buffer: pin},
				Data:     tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: identity.Reveal()}),
			}},
			InPublic: tpm2.New2B(tpm2.TPMTPublic{
				Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
				ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, UserWithAuth: true, NoDA: len(pin) == 0},
			}),
		}.Execute(t)
		if err != nil {
			return err
		}
		n = Note{How: HowTPM, Data: tpmBlob{len(pin) > 0, made.OutPrivate.Buffer, made.OutPublic.Bytes()}.bytes()}
		return nil
	})
	return to, n, err
}

// NeedsPIN says whether the TPM will want a PIN for that key.
func NeedsPIN(n Note) bool {
	b, err := parseBlob(n.Data)
	return err == nil && b.pin
}

// TPMIdentity has the TPM unwrap the key. ErrWrong for a wrong PIN.
func TPMIdentity(path string, n Note, pin []byte) (id age.Identity, err error) {
	b, err := parseBlob(n.Data)
	if err != nil {
		return nil, err
	}
	err = withTPM(path, func(t transport.TPM, parent srk) error {
		key, err := tpm2.Load{
			ParentHandle: parent.auth(),
			InPrivate:    tpm2.TPM2BPrivate{Buffer: b.private},
			InPublic:     tpm2.BytesAs2B[tpm2.TPMTPublic](b.public),
		}.Execute(t)
		if err != nil {
			return errors.New("the key was made by another TPM, or this one was cleared")
		}
		defer flush(t, key.ObjectHandle)
		out, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{Handle: key.ObjectHandle, Name: key.Name,
			Auth: tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Auth(pin), tpm2.AESEncryption(128, tpm2.EncryptOut), parent.salt())}}.Execute(t)
		switch {
		case errors.Is(err, tpm2.TPMRCAuthFail), errors.Is(err, tpm2.TPMRCBadAuth):
			return ErrWrong
		case errors.Is(err, tpm2.TPMRCLockout):
			return errors.New("the TPM is locked after too many wrong PINs; wait, or open the vault another way")
		case err != nil:
			return err
		}
		id, err = keptKey(out.OutData.Buffer)
		clear(out.OutData.Buffer)
		return err
	})
	return id, err
}

// srk is the storage root key: made anew each time, the same each time, since
// the TPM derives it from its own seed.
type srk struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
	public tpm2.TPMTPublic
}

// salt starts sessions under a secret that only the TPM can unwrap: what goes
// over the bus is encrypted.
func (s srk) salt() tpm2.AuthOption { return tpm2.Salted(s.handle, s.public) }

func (s srk) auth() tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: s.handle, Name: s.name,
		Auth: tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.AESEncryption(128, tpm2.EncryptIn), s.salt())}
}

func withTPM(path string, fn func(transport.TPM, srk) error) error {
	conn, err := dialTPM(path)
	if err != nil {
		return err
	}
	t := transport.FromReadWriteCloser(conn)
	defer t.Close()
	made, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(t)
	if err != nil {
		return fmt.Errorf("the TPM: %w", err)
	}
	defer flush(t, made.ObjectHandle)
	public, err := made.OutPublic.Contents()
	if err != nil {
		return fmt.Errorf("the TPM: %w", err)
	}
	err = fn(t, srk{made.ObjectHandle, made.Name, *public})
	if err != nil && !errors.Is(err, ErrWrong) {
		err = fmt.Errorf("the TPM: %w", err)
	}
	return err
}

func dialTPM(path string) (io.ReadWriteCloser, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("this machine has no TPM: there is no %s", path)
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeSocket != 0:
		return net.Dial("unix", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("no access to %s: on most systems its group is tss", path)
	}
	return f, err
}

func flush(t transport.TPM, h tpm2.TPMHandle) {
	_, _ = tpm2.FlushContext{FlushHandle: h}.Execute(t)
}

func (b tpmBlob) bytes() []byte {
	out := []byte{1, 0}
	if b.pin {
		out[1] = 1
	}
	out = binary.BigEndian.AppendUint16(out, uint16(len(b.private)))
	out = append(out, b.private...)
	return append(out, b.public...)
}

func parseBlob(b []byte) (out tpmBlob, err error) {
	if len(b) < 4 || b[0] != 1 || len(b) > 8<<10 {
		return out, ErrDamaged
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < 4+n {
		return out, ErrDamaged
	}
	return tpmBlob{b[1] == 1, b[4 : 4+n], b[4+n:]}, nil
}
