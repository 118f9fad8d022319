"""Filters that are sent to do harm: as long, as deep and as crooked as may be. None of them is read."""

LENGTH = 8192


def _as_long_as_may_be(part: str, last: str = "") -> str:
    return part * ((LENGTH - len(last)) // len(part)) + last


HOSTILE = {
    "open parentheses": _as_long_as_may_be("("),
    "open negations": _as_long_as_may_be("not ("),
    "open brackets": _as_long_as_may_be("a["),
    "closed parentheses": _as_long_as_may_be(")"),
    "parentheses around parentheses": "(" * 4000 + "a pr" + ")" * 4000,
    "conditions without end": _as_long_as_may_be("a pr or ", "a pr"),
    "conditions in words of two letters": _as_long_as_may_be("a pr b pr "),
    "operators without end": _as_long_as_may_be("and "),
    "alternatives of alternatives": _as_long_as_may_be("(a pr or a pr) and ", "a pr and"),
    "negations of negations": ("not (" * 31 + "a pr" + ")" * 31 + " and ") * 36,
    "an unclosed text": 'a eq "' + "x" * (LENGTH - 6),
    "an unclosed text of backslashes": 'a eq "' + "\\" * (LENGTH - 6),
    "an unclosed text of escapes": 'a eq "' + "\\u0041" * 1364,
    "half of a pair, again and again": 'a eq "' + "\\ud800" * 1364 + '"',
    "quotation marks": _as_long_as_may_be('"'),
    "texts after texts": "a eq " + _as_long_as_may_be('"" ', '""')[5:],
    "a schema of colons": "urn:" + _as_long_as_may_be("a:", " pr")[4:],
    "a schema of nearly colons": "urn:" + _as_long_as_may_be("a:a.", "!")[4:],
    "a name of points": _as_long_as_may_be("a."),
    "a name without end": _as_long_as_may_be("a"),
    "blanks": _as_long_as_may_be(" "),
    "blanks between blanks": _as_long_as_may_be("a \t\r\n"),
    "a number without end": "a eq " + "9" * (LENGTH - 5),
    "an exponent without end": "a eq 1e" + "9" * (LENGTH - 7),
    "nearly a number": "a eq " + "-" * (LENGTH - 5),
    "nearly a moment": 'a eq "2026-11-20T17:00:00.' + "1" * (LENGTH - 30) + '" x',
    "letters of other alphabets": _as_long_as_may_be("İ"),
    "signs that fold to many": 'a eq "' + "ΐ" * (LENGTH - 10) + '" x',
    "nought": "a eq \0" + "\0" * (LENGTH - 6),
    "one sign too many": "x" * (LENGTH + 1),
    "a million signs": "a pr or " * 125_000,
}
LARGEST = {
    "alternatives": " or ".join(['a eq "b"'] * 500),
    "negations": "not (a pr or " * 31 + "a pr" + ")" * 31,
    "negations beside each other": " and ".join(["not ((" * 15 + 'a co "x" or b.c[d eq 1]' + "))" * 15] * 20),
    "one pair of brackets": "a[" + " and ".join(f"b{number} eq {number}" for number in range(490)) + "]",
    "one long text": 'a co "' + "x" * (LENGTH - 7) + '"',
}
"""Filters that are allowed, only just."""
