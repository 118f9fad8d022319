"""`python -m lastday` is the command `lastday`."""

from lastday.app import main

main()
