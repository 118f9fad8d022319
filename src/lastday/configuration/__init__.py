"""TOML in git becomes a typed model; each mistake is named with file, line and column."""
