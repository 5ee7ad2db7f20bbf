"""A disk that honours flush, and nothing more: what a power cut may leave of what was written to it.

Pure: operations in, files out. Names and octets are apart, as in a file system: a new file's octets can
be on the platter and its name not yet.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum, auto

SECTOR = 512  # what a disk writes whole or not at all
TORN = 0.25  # of the writes that are partly on the platter, or not in order


class Kind(Enum):
    """What was asked of the disk."""

    WRITE = auto()
    TRUNCATE = auto()
    SYNC = auto()
    SYNC_FAILED = auto()
    SYNC_NAMES = auto()  # fsync of the folder
    CREATE = auto()
    DELETE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One that the kernel has taken. `at` is a WRITE's offset, or the size that a TRUNCATE leaves."""

    kind: Kind
    name: str = ""
    at: int = 0
    data: bytes = b""


@dataclass(slots=True)
class _File:
    cache: bytearray = field(default_factory=bytearray)  # what every process sees
    platter: bytearray = field(default_factory=bytearray)  # what is sure to survive
    waiting: list[Operation] = field(default_factory=list)  # between the two, in the order they came


class Disk:
    """One folder of files. `chance` decides what a failed sync has written nevertheless."""

    def __init__(self, chance: random.Random, files: Mapping[str, bytes] | None = None) -> None:
        self._chance = chance
        self._files = {
            name: _File(cache=bytearray(data), platter=bytearray(data))
            for name, data in (files or {}).items()
        }
        self._names = dict(self._files)  # as they are on the platter
        self._names_waiting: list[tuple[str, _File | None]] = []

    def copy(self) -> Disk:
        """As it is now, apart from this one."""
        return deepcopy(self)

    def apply(self, operation: Operation) -> None:
        """Do what was asked of the disk."""
        name = operation.name
        match operation.kind:
            case Kind.WRITE | Kind.TRUNCATE:
                file = self._files[name]
                _do(file.cache, operation)
                file.waiting.append(operation)
            case Kind.SYNC:
                file = self._files[name]
                for each in file.waiting:
                    _do(file.platter, each)
                file.waiting.clear()
            case Kind.SYNC_FAILED:
                # As Linux: what should have been written is marked clean, and no later sync writes it
                # (LWN 752063, "fsyncgate"). Some of it may have reached the platter.
                file = self._files[name]
                file.platter = _part(file, self._chance)
                file.waiting.clear()
            case Kind.SYNC_NAMES:
                for waiting, content in self._names_waiting:
                    _rename(self._names, waiting, content)
                self._names_waiting.clear()
            case Kind.CREATE:
                self._files[name] = _File()
                self._names_waiting.append((name, self._files[name]))
            case Kind.DELETE:
                del self._files[name]
                self._names_waiting.append((name, None))

    @property
    def settled(self) -> bool:
        """True when a power cut can leave only one thing."""
        return not self._names_waiting and not any(file.waiting for file in self._files.values())

    def cached(self) -> dict[str, bytes]:
        """The files as the next process finds them when this one is killed."""
        return {name: bytes(file.cache) for name, file in self._files.items()}

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files as the next boot finds them when the power fails now; one of many ways."""
        names = dict(self._names)
        # Names are journalled: they reach the platter in order.
        for name, content in self._names_waiting[: chance.randint(0, len(self._names_waiting))]:
            _rename(names, name, content)
        return {name: bytes(_part(file, chance)) for name, file in names.items()}


def _rename(names: dict[str, _File], name: str, content: _File | None) -> None:
    if content is None:
        names.pop(name, None)
    else:
        names[name] = content


def _do(content: bytearray, operation: Operation) -> None:
    at = operation.at
    if operation.kind is Kind.TRUNCATE:
        del content[at:]
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(operation.data)] = operation.data


def _part(file: _File, chance: random.Random) -> bytearray:
    """The platter with some of what waits: nothing, all, the first few, or any of it; torn or whole."""
    content = bytearray(file.platter)
    waiting = file.waiting
    if not waiting:
        return content
    how = chance.randrange(8)
    if how == 0:
        return content
    if how == 1:
        kept = waiting
    elif how <= 4:
        kept = waiting[: chance.randint(1, len(waiting))]  # in order, the last one perhaps torn
    else:
        share = chance.random()
        kept = [each for each in waiting if chance.random() < share]
    for each in kept:
        if chance.random() < TORN or (how <= 4 and each is kept[-1]):
            _do_torn(content, each, chance)
        else:
            _do(content, each)
    return content


def _do_torn(content: bytearray, operation: Operation, chance: random.Random) -> None:
    """Any of the sectors; half of the time those up to a point, as when the power fails in between."""
    if operation.kind is Kind.TRUNCATE:
        if chance.random() < 0.5:
            _do(content, operation)
        return
    first = operation.at // SECTOR
    sectors = range(first, (operation.at + len(operation.data) - 1) // SECTOR + 1)
    if chance.random() < 0.5:
        chosen = list(sectors[: chance.randint(0, len(sectors))])
    else:
        chosen = [sector for sector in sectors if chance.random() < 0.5]
    for sector in chosen:
        begin = max(sector * SECTOR, operation.at)
        end = min((sector + 1) * SECTOR, operation.at + len(operation.data))
        data = operation.data[begin - operation.at : end - operation.at]
        _do(content, Operation(kind=Kind.WRITE, name=operation.name, at=begin, data=data))
