"""The composition root: the only place that wires rooms together."""


def main() -> None:
    """The entry point of the command `lastday`."""
