"""Who left and is still in: files nobody has seen before in, an answer out. No database, no clock, no network."""
