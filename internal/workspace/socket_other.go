//go:build !linux

package workspace

// hostSocket is not asked where nothing is watched.
func (w *Workspace) hostSocket(string) bool { return true }
