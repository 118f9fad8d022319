"""The order in which operations of a bulk request are done, and what becomes of references (RFC 7644 section 3.7.2)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush

from lastday.interfaces.scim.bulk_request import MARK, BulkOperation, references_in, refused
from lastday.interfaces.scim.protocol.errors import ScimType
from lastday.model.canonical import JsonValue


class Turns:
    """Says which operation comes next: as sent, except that what makes something goes before what speaks of it.

    Where operations wait for each other in a circle, the first of them that makes something comes without waiting.
    """

    def __init__(self, operations: Sequence[BulkOperation]) -> None:
        makers = {each.bulk_id: index for index, each in enumerate(operations) if each.makes and each.bulk_id}
        self._makes = [each.makes for each in operations]
        self._waits_for = [{makers[name] for name in references_in(each) if name in makers} for each in operations]
        self._followers: dict[int, list[int]] = defaultdict(list)
        for index, before in enumerate(self._waits_for):
            for earlier in before:
                self._followers[earlier].append(index)

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        """The place of each operation once, and whether it comes before something that it speaks of."""
        ready = [index for index, before in enumerate(self._waits_for) if not before]
        circular = iter([index for index, makes in enumerate(self._makes) if makes and self._waits_for[index]])
        done: set[int] = set()
        while len(done) < len(self._makes):
            early = not ready
            index = heappop(ready) if ready else next(index for index in circular if index not in done)
            done.add(index)
            yield index, early
            for follower in self._followers[index]:
                self._waits_for[follower].discard(index)
                if not self._waits_for[follower] and follower not in done:
                    heappush(ready, follower)


def resolved(operation: BulkOperation, ids: Mapping[str, str]) -> BulkOperation:
    """`operation` with ids in place of its references. Raises ScimError where one leads to nothing that was made."""
    if not references_in(operation) <= ids.keys():
        raise refused("A bulkId leads to nothing that this request has made.", ScimType.INVALID_VALUE)
    return replace(operation, path=_resolved_path(operation.path, ids), data=_resolved(operation.data, ids))


def without_references(operation: BulkOperation, ids: Mapping[str, str]) -> BulkOperation:
    """`operation` without the values that refer to what is not made yet; what refers to the rest keeps that."""
    return replace(operation, data=_without(operation.data, references_in(operation) - ids.keys()))


def _resolved_path(path: str, ids: Mapping[str, str]) -> str:
    head, slash, target = path.rpartition("/")
    return head + slash + ids[target[len(MARK) :]] if target.startswith(MARK) else path


def _resolved(value: JsonValue, ids: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return ids[value[len(MARK) :]] if value.startswith(MARK) else value
    if isinstance(value, Mapping):
        return {name: _resolved(inner, ids) for name, inner in value.items()}
    if isinstance(value, Sequence):
        return [_resolved(inner, ids) for inner in value]
    return value


def _without(value: JsonValue, names: frozenset[str]) -> JsonValue:
    """`value` without objects and texts that name one of `names` themselves."""
    if isinstance(value, Mapping):
        return {name: _without(inner, names) for name, inner in value.items() if not _names_one(inner, names)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without(inner, names) for inner in value if not _names_one(inner, names)]
    return value


def _names_one(value: JsonValue, names: frozenset[str]) -> bool:
    inner = value.values() if isinstance(value, Mapping) else (value,)
    return any(isinstance(text, str) and text.startswith(MARK) and text[len(MARK) :] in names for text in inner)
