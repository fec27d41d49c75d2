"""The generic video API at its edge: HTTP in, verbs called, JSON out (contract)."""
