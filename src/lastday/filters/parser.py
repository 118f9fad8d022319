"""Text -> tree, by precedence, with a stack of its own: the depth of the input never becomes depth of the program."""

from dataclasses import dataclass, field
from functools import lru_cache

from lastday.filters.ast import And, AttributePath, Compare, Filter, Not, Or, Present, ValuePath
from lastday.filters.chains import balanced
from lastday.filters.literals import objection
from lastday.filters.plain import plain_condition
from lastday.filters.scanner import Scanner


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """How much of a filter is read: characters, open brackets, conditions and operators. Each is only itself."""

    length: int = 8192
    depth: int = 32
    nodes: int = 1000


DEFAULT_LIMITS = Limits()
_LONGEST_KEPT = 512
"""Characters; so what is kept stays small, whatever is sent."""


@dataclass(slots=True)
class _Bracket:
    """What is open: the whole filter, `(`, `not (` or `path[`. `or` joins alternatives, `and` joins their parts."""

    opened: int
    negated: bool = False
    path: AttributePath | None = None
    alternatives: list[list[Filter]] = field(default_factory=lambda: [[]])

    def content(self) -> Filter:
        if len(self.alternatives) == 1:
            return balanced(And, self.alternatives[0])
        return balanced(Or, [balanced(And, parts) for parts in self.alternatives])


def parse(text: str, *, allow_now: bool = False, limits: Limits = DEFAULT_LIMITS) -> Filter:
    """The tree of `text` (RFC 7644 section 3.4.2.2: `not` before `and` before `or`).

    `allow_now` also reads `now`, `now+7d`, `now-12h` (s, m, h, d, w) as values.
    Raises FilterError, with the position counted from 0, where the text is no filter or exceeds `limits`.

    >>> parse('title pr and not (userType eq "Employee")').right.operand.value
    'Employee'
    """
    return _Parser(text, limits, allow_now=allow_now).run()


def parsed(text: str, *, limits: Limits = DEFAULT_LIMITS) -> Filter:
    """As `parse`, without `now`; a short text that was read before is not read again."""
    return _parsed_before(text, limits) if len(text) <= _LONGEST_KEPT else parse(text, limits=limits)


@lru_cache(maxsize=1024)
def _parsed_before(text: str, limits: Limits) -> Filter:
    return parse(text, limits=limits)


class _Parser:
    def __init__(self, text: str, limits: Limits, *, allow_now: bool) -> None:
        self._scanner = Scanner(text, allow_now=allow_now)
        self._limits = limits
        self._nodes = 0
        self._open = [_Bracket(opened=0)]

    def run(self) -> Filter:
        text = self._scanner.text
        if len(text) > self._limits.length:
            mend = f"A filter has at most {self._limits.length} characters."
            raise self._scanner.error(f"the filter has {len(text)} characters", self._limits.length, mend)
        while True:
            operand = self._plain_operand() or self._operand()
            if operand is not None and self._close_after(operand):
                return self._open[0].content()

    def _plain_operand(self) -> Filter | None:
        found = plain_condition(self._scanner.text, self._scanner.position)
        if found is None:
            return None
        condition, self._scanner.position = found
        self._count_node(condition.path.position)
        return condition

    def _operand(self) -> Filter | None:
        """One condition, or None where a bracket was opened instead."""
        scanner = self._scanner
        scanner.skip_blanks()
        start = scanner.position
        if scanner.take_mark("("):
            self._push(_Bracket(opened=start))
            return None
        if scanner.peek_word().lower() == "not":
            self._negation(start)
            return None
        path = scanner.path()
        if scanner.take_mark("["):
            self._value_path(path, start)
            return None
        return self._condition(path)

    def _negation(self, start: int) -> None:
        scanner = self._scanner
        scanner.position += len("not")
        if not scanner.take_mark("("):
            raise scanner.error("`not` is not followed by `(`", start, "Write `not (...)`: it is clear what is denied.")
        self._count_node(start)
        self._push(_Bracket(opened=start, negated=True))

    def _value_path(self, path: AttributePath, start: int) -> None:
        if any(bracket.path is not None for bracket in self._open):
            raise self._scanner.error("brackets inside brackets", start, "Inside `[...]` only conditions may stand.")
        self._count_node(start)
        self._push(_Bracket(opened=start, path=path))

    def _condition(self, path: AttributePath) -> Filter:
        scanner = self._scanner
        self._count_node(path.position)
        operator = scanner.operator()
        if operator is None:
            return Present(path=path)
        scanner.skip_blanks()
        start = scanner.position
        value = scanner.literal()
        wrong = objection(operator, value)
        if wrong is not None:
            raise scanner.error(wrong.what, start, wrong.mend)
        return Compare(path=path, operator=operator, value=value)

    def _close_after(self, operand: Filter) -> bool:
        """Takes the operand in, closes what closes after it; True at the end of the filter."""
        scanner = self._scanner
        while True:
            bracket = self._open[-1]
            bracket.alternatives[-1].append(operand)
            if self._joined(bracket):
                return False
            if scanner.at_end:
                self._refuse_open()
                return True
            operand = self._closed(bracket)

    def _joined(self, bracket: _Bracket) -> bool:
        word = self._scanner.take_joiner()
        if not word:
            return False
        self._count_node(self._scanner.position - len(word))
        if word == "or":
            bracket.alternatives.append([])
        return True

    def _closed(self, bracket: _Bracket) -> Filter:
        scanner = self._scanner
        start = scanner.position
        wanted = "" if len(self._open) == 1 else ")" if bracket.path is None else "]"
        if not wanted or not scanner.take_mark(wanted):
            allowed = f"`and`, `or` or `{wanted}`" if wanted else "`and` or `or`"
            found = scanner.peek_word()[:40] or scanner.text[start]
            raise scanner.error(
                f"{allowed} is wanted here, not `{found}`", start, "Join conditions with `and` or `or`."
            )
        self._open.pop()
        content = bracket.content()
        if bracket.path is not None:
            return ValuePath(path=bracket.path, inner=self._with_member(content))
        return Not(operand=content) if bracket.negated else content

    def _with_member(self, inner: Filter) -> Filter:
        """`emails[type eq "work"].value co "@x"` means the same as `emails[type eq "work" and value co "@x"]`.

        The RFC has the sub-attribute after the bracket in PATCH paths only; Entra ID sends it in filters too.
        """
        scanner = self._scanner
        if not scanner.text.startswith(".", scanner.position):
            return inner
        scanner.position += 1
        self._count_node(scanner.position)
        member = scanner.member(scanner.position)
        return And(left=inner, right=self._condition(member))

    def _push(self, bracket: _Bracket) -> None:
        if len(self._open) > self._limits.depth:
            mend = f"At most {self._limits.depth} brackets may be open at once."
            raise self._scanner.error("too many open brackets", bracket.opened, mend)
        self._open.append(bracket)

    def _count_node(self, position: int) -> None:
        self._nodes += 1
        if self._nodes > self._limits.nodes:
            mend = f"A filter has at most {self._limits.nodes} conditions and operators."
            raise self._scanner.error("too many conditions", position, mend)

    def _refuse_open(self) -> None:
        bracket = self._open[-1]
        if len(self._open) > 1:
            mark = "(" if bracket.path is None else "["
            mend = "Close it with `)`." if bracket.path is None else "Close it with `]`."
            raise self._scanner.error(f"the `{mark}` that begins here is not closed", bracket.opened, mend)
