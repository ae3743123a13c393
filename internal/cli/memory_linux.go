package cli

import "golang.org/x/sys/unix"

// inMemory says whether files below dir are in memory: tmpfs and ramfs are.
func inMemory(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && (st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC)
}
