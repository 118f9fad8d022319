"""`python -m bench NAME`: one measurement, as one JSON object on stdout."""

import importlib
import sys

NAMES = ("spine", "evidence", "filters", "scim")


def main() -> None:
    """Runs the measurement that is named; without a name it says which there are."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in NAMES:
        sys.exit(f"python -m bench {'|'.join(NAMES)}")
    importlib.import_module(f"bench.{name}").main()


main()
