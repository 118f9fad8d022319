"""What an attribute of a resource has: no value, one or several, with content or without."""

from collections.abc import Mapping

VALUE = "value"
"""The sub-attribute that stands for a whole complex value (RFC 7643 section 2.4)."""


def elements(value: object) -> tuple[object, ...]:
    """The values of an attribute, without null. RFC 7643 section 2.5: null and an empty list are no value.

    >>> elements(["a", None, "b"]), elements("a"), elements(None)
    (('a', 'b'), ('a',), ())
    """
    if isinstance(value, (list, tuple)):
        return tuple(element for element in value if element is not None)
    return () if value is None else (value,)


def is_present(value: object) -> bool:
    """RFC 7644 table 3, `pr`: a value that is not empty, or a complex one with something that is not empty in it."""
    if isinstance(value, Mapping):
        return any(map(is_present, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(is_present, value))
    return value is not None and value != ""


def member(value: Mapping[str, object], name: str) -> object:
    """What stands under `name`, which is in lower case, in whichever case it is written there; None where nothing is.

    Of two names that differ only in case the first counts.
    """
    return next((found for key, found in value.items() if key.lower() == name), None)
