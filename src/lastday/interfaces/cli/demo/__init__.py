"""The demo: a small company that really runs, and somebody who leaves it while you watch."""
