"""The command line: data on stdout, hints on stderr, a code for every message, an exit code for every end."""
