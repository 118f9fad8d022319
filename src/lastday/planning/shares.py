"""Shares as brakes count them: integers, and 0 means that nothing passes."""


def exceeds_share(counted: int, base: int, percent: int, floor: int) -> bool:
    """More than `percent` % of `base` and at least `floor`; where either figure is 0, nothing passes.

    >>> exceeds_share(4, 13, 30, 4), exceeds_share(3, 5, 30, 4), exceeds_share(4, 14, 30, 4), exceeds_share(1, 99, 0, 4)
    (True, False, False, True)
    """
    if percent == 0 or floor == 0:
        return counted > 0
    return counted >= floor and counted * 100 > percent * base


def allowed_share(base: int, percent: int, floor: int) -> int:
    """The largest count that `exceeds_share` lets pass."""
    return 0 if percent == 0 or floor == 0 else max(floor - 1, percent * base // 100)


def exceeds_both(counted: int, base: int, percent: int, floor: int) -> bool:
    """More than max(`floor`, `percent` % of `base`); where either figure is 0, nothing passes.

    >>> exceeds_both(6, 20, 10, 5), exceeds_both(5, 20, 10, 5), exceeds_both(42, 420, 10, 5), exceeds_both(1, 9, 10, 0)
    (True, False, False, True)
    """
    if percent == 0 or floor == 0:
        return counted > 0
    return counted > floor and counted * 100 > percent * base


def allowed_of_both(base: int, percent: int, floor: int) -> int:
    """The largest count that `exceeds_both` lets pass."""
    return 0 if percent == 0 or floor == 0 else max(floor, percent * base // 100)
