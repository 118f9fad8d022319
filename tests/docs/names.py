"""Looking up names that documents speak of."""

import importlib


def exists(name: str) -> bool:
    """Whether `lastday.<name>` is a module, or something in one."""
    parts = f"lastday.{name}".split(".")
    for cut in range(len(parts), 1, -1):
        try:
            thing: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(thing, part):
                return False
            thing = getattr(thing, part)
        return True
    return False
