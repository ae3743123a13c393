// Command hello is the least that a static Go program can be: what any start
// of bailey is compared with. It does nothing else.
package main

import "os"

func main() {
	_, _ = os.Stdout.WriteString("hello\n") // nobody reads it
}
