package sandbox

import "github.com/bailey-project/bailey/internal/sandbox/broker"

// NameRules say which names Spec.Names refuses. PID 1 is a process of its own,
// so its program gives them, not the Spec.
type NameRules = broker.Rules
