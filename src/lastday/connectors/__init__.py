"""One folder per connector. A connector knows one kind of application and nothing of policy or people."""
