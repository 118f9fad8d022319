"""The life of an operation as a pure machine: `advance` returns the whole script, the shell only interprets it."""
