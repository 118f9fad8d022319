"""Sees when a source's file was delivered anew. A file that is still being written is left until it rests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lastday.configuration.settings import SourceSettings
from lastday.model.canonical import digest_bytes
from lastday.model.ids import Digest, SourceName

STABLE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Look:
    size: int
    changed_ns: int
    inode: int


@dataclass(slots=True)
class SourceWatch:
    """Remembers what each file looked like. `stable_s` lies between two looks that must agree."""

    stable_s: float = STABLE_S
    _first: dict[SourceName, tuple[_Look, float]] = field(default_factory=dict)
    _taken: dict[SourceName, _Look] = field(default_factory=dict)

    def delivered(
        self, sources: Mapping[SourceName, SourceSettings], last: Mapping[SourceName, Digest], at_s: float
    ) -> tuple[SourceName, ...]:
        """The sources whose file rests and was not taken yet. `last` is what came last of each, taken or stopped.

        The same content delivered again counts, as absence is counted in files; after a start only new content does.
        """
        return tuple(name for name, settings in sorted(sources.items()) if self._is_new(settings, last, at_s))

    def _is_new(self, settings: SourceSettings, last: Mapping[SourceName, Digest], at_s: float) -> bool:
        name, path = settings.name, settings.path
        look = None if path is None else _look(path)
        if path is None or look is None or self._taken.get(name) == look:
            return False
        first = self._first.get(name)
        if first is None or first[0] != look:
            self._first[name] = (look, at_s)
            return False
        if at_s - first[1] < self.stable_s:
            return False
        known_before = name in self._taken
        self._taken[name] = look
        return known_before or digest_bytes(path.read_bytes()) != last.get(name)


def _look(path: Path) -> _Look | None:
    """How the file looks from outside; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _Look(found.st_size, found.st_mtime_ns, found.st_ino)
