package githome

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// maxObjects bounds the loose objects that are copied.
const maxObjects = 1_000_000

// strict is how objects are checked. What old histories are full of, and does
// no harm, passes.
const strict = "--strict=zeroPaddedFilemode=ignore,missingSpaceBeforeDate=ignore,badTimezone=ignore," +
	"missingSpaceBeforeEmail=ignore,missingTaggerEntry=ignore,badTagName=ignore,gitmodulesParse=ignore"

// importObjects brings the wanted objects into the host's repository. What
// cannot be brought is in missing afterwards; an error is one of this machine.
func (b *bringer) importObjects(ctx context.Context) error {
	want := b.wanted()
	staged := b.stagedBlobs()
	if len(want) == 0 && len(staged) == 0 {
		return nil
	}
	clean := filepath.Join(b.Scratch, "clean.git")
	if err := b.makeClean(clean); err != nil {
		return err
	}
	n, err := b.copyObjects(ctx, clean)
	if err != nil {
		return err
	}
	objects := unique(slices.Collect(maps.Values(want)))
	if n > 0 {
		if err := b.transfer(ctx, clean, append(slices.Clone(objects), staged...)); err == nil && b.connected(ctx, append(slices.Clone(objects), staged...)) == nil {
			return nil
		}
	}
	b.importEach(ctx, clean, objects, n > 0)
	if len(staged) > 0 && (n > 0 && b.transfer(ctx, clean, staged) != nil || b.connected(ctx, staged) != nil) {
		b.left.entries = nil // what is staged cannot be taken over
	}
	return ctx.Err()
}

// importEach brings object by object, so that a bad one costs only itself.
func (b *bringer) importEach(ctx context.Context, clean string, objects []string, any bool) {
	if b.connected(ctx, objects) == nil {
		return
	}
	for i, o := range objects {
		one := []string{o}
		if i >= 256 || any && b.transfer(ctx, clean, one) != nil || b.connected(ctx, one) != nil {
			b.missing[o] = true
		}
	}
}

// makeClean makes a bare repository whose settings are ours and which borrows
// the host's objects.
func (b *bringer) makeClean(dir string) error {
	for _, d := range []string{"objects/info", "objects/pack", "refs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	config := "[core]\n\tbare = true\n\trepositoryformatversion = 0\n"
	if b.Repo.Hex == 64 {
		config = "[core]\n\tbare = true\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"
	}
	files := map[string]string{
		"HEAD": "ref: refs/heads/none\n", "config": config,
		"objects/info/alternates": filepath.Join(b.Repo.CommonDir, "objects") + "\n",
	}
	if shallow, err := b.common.ReadFile("shallow", 16<<20); err == nil {
		files["shallow"] = string(shallow)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// copyObjects copies regular files with the names of objects and packs, and
// indexes the packs anew: a pack's own index is not believed.
func (b *bringer) copyObjects(ctx context.Context, clean string) (n int, err error) {
	left := int64(gitrun.MaxPack)
	var packs []string
	complete, err := b.private.Walk(ctx, "objects", safefs.Limits{Entries: 2 * maxObjects, Depth: 3}, func(p string, e safefs.Entry) error {
		name := strings.TrimPrefix(p, "objects/")
		loose, pack := looseName(name, b.Repo.Hex), packName(name, b.Repo.Hex)
		if e.Type != 0 || !loose && !pack {
			return nil
		}
		if n++; n > maxObjects {
			return fmt.Errorf("more than %d objects", maxObjects)
		}
		if pack {
			packs = append(packs, name)
		}
		return b.copyObject(p, filepath.Join(clean, "objects", name), &left)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err == nil && !complete {
		err = errors.New("objects could not be read whole")
	}
	for _, p := range packs {
		if err == nil {
			// A damaged pack loses what is in it, which connected notices.
			_, _ = gitrun.Output(b.git.Bare(ctx, clean, "index-pack", filepath.Join(clean, "objects", p)), "")
		}
	}
	return n, err
}

func (b *bringer) copyObject(from, to string, left *int64) error {
	f, err := b.private.OpenFile(from)
	if err != nil {
		return nil // not a regular file after all
	}
	defer f.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(f, *left+1))
	if *left -= n; *left < 0 {
		err = fmt.Errorf("objects of more than %d bytes", int64(gitrun.MaxPack))
	}
	return errors.Join(err, out.Close())
}

// looseName is "ab/cdef…", in hex.
func looseName(name string, hexLen int) bool {
	dir, file, ok := strings.Cut(name, "/")
	return ok && len(dir) == 2 && gitdir.ValidObject(dir+file, hexLen)
}

// packName is "pack/pack-….pack".
func packName(name string, hexLen int) bool {
	h, ok := strings.CutPrefix(name, "pack/pack-")
	h, end := strings.CutSuffix(h, ".pack")
	return ok && end && gitdir.ValidObject(h, hexLen)
}

// transfer packs what the host lacks of the objects' history in the clean
// repository, and unpacks it on the host.
func (b *bringer) transfer(ctx context.Context, clean string, objects []string) error {
	have, err := b.existing(ctx, clean, b.hostObjects())
	if err != nil {
		return err
	}
	var revs strings.Builder
	for _, o := range objects {
		revs.WriteString(o + "\n")
	}
	for _, o := range have {
		revs.WriteString("^" + o + "\n")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pack := b.git.Bare(ctx, clean, "pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q")
	pack.Stdin = strings.NewReader(revs.String())
	var errs gitrun.Limited
	errs.Left = 4 << 10
	pack.Stderr = &errs
	stdout, err := pack.StdoutPipe()
	if err != nil {
		return err
	}
	if err := gitrun.Start(pack); err != nil {
		return err
	}
	err = b.unpack(ctx, stdout)
	if err != nil {
		cancel()
	}
	if werr := pack.Wait(); werr != nil && (err == nil || errors.Is(err, io.EOF)) {
		err = gitrun.Said(pack, werr, errs.String())
	}
	return err
}

// unpack reads a pack into the host's repository, where every object's name is
// computed and its form checked. An empty pack is not written.
func (b *bringer) unpack(ctx context.Context, r io.Reader) error {
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	if string(head[:4]) != "PACK" || binary.BigEndian.Uint32(head[8:]) == 0 {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	cmd := b.git.Host(ctx, "index-pack", "--stdin", "--fix-thin", strict, fmt.Sprintf("--max-input-size=%d", int64(gitrun.MaxPack)))
	return runWith(cmd, io.MultiReader(strings.NewReader(string(head)), r))
}

func runWith(cmd *exec.Cmd, stdin io.Reader) error {
	var errs gitrun.Limited
	errs.Left = 4 << 10
	cmd.Stdin, cmd.Stderr = stdin, &errs
	if err := gitrun.Start(cmd); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return gitrun.Said(cmd, err, errs.String())
	}
	return nil
}

// hostObjects are those that the host's references mean.
func (b *bringer) hostObjects() []string {
	list := slices.Collect(maps.Values(b.now))
	return unique(append(list, b.head.Object))
}

// existing keeps the objects that a repository has.
func (b *bringer) existing(ctx context.Context, dir string, objects []string) ([]string, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	out, err := gitrun.Output(b.git.Bare(ctx, dir, "cat-file", "--batch-check=%(objectname)"), strings.Join(objects, "\n")+"\n")
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(out) {
		if o := strings.TrimSpace(line); gitdir.ValidObject(o, b.Repo.Hex) { // "… missing" is none
			list = append(list, o)
		}
	}
	return list, nil
}

// connected checks that the host's repository has the objects and all that
// they lead to.
func (b *bringer) connected(ctx context.Context, objects []string) error {
	args := []string{"rev-list", "--objects", "--stdin", "--not", "--all", "--quiet"}
	if b.Repo.Partial {
		args = slices.Insert(args, 1, "--exclude-promisor-objects")
	}
	_, err := gitrun.Output(b.git.Host(ctx, args...), strings.Join(objects, "\n")+"\n")
	return err
}

func unique(list []string) []string {
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
