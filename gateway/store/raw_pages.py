"""A store's files as pages, read without SQLite, so that no damage keeps the rest from being read.

Source: "Database File Format" of the SQLite project (sqlite.org/fileformat2.html); its section numbers
stand beside what they explain. A store has pages of PAGE octets, none reserved, and auto_vacuum, so
that its pointer map tells which pages are in use.
"""

from __future__ import annotations

import os
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE_NAME = "store.db"
WAL_NAME = "store.db-wal"
PAGE = 4096
_PIECE = 64 * PAGE  # read at once
WAL_HEADER = struct.Struct(">8I")  # 4.1
FRAME_HEADER = struct.Struct(">6I")  # 4.1
FRAME = FRAME_HEADER.size + PAGE
_MAGIC = 0x377F0682  # the lowest bit: its checksums are of big-endian words
_MAP_ENTRY = struct.Struct(">BI")  # 1.8
_MAPPED = PAGE // _MAP_ENTRY.size  # pages that one page of the pointer map tells of
_IN_USE = {1, 5}  # root pages and other pages of trees; the others are free, or of long rows


class RawPages:
    """Of a folder with a store's files, either of which may be missing. A context manager."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self._files = ExitStack()
        self._database = self._open(folder / DATABASE_NAME)
        self._wal = self._open(folder / WAL_NAME)
        self._committed = dict(self._frames())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    @property
    def count(self) -> int:
        """How many pages there may be."""
        return max(self._size(self._database) // PAGE, *self._committed, 0)

    def page(self, number: int) -> bytes | None:
        """The page, from 1 on, as of the last commit; None where it is missing or cannot be read."""
        place = self._committed.get(number)
        if place is not None:
            return self._read(self._wal, place, PAGE)
        return self._read(self._database, (number - 1) * PAGE, PAGE) if number > 0 else None

    def in_use(self) -> Iterator[tuple[int, bytes]]:
        """All pages of all trees, by number."""
        for number in range(1, self.count + 1):
            if number == 1 or self._kind(number) in _IN_USE:
                page = self.page(number)
                if page is not None:
                    yield number, page

    def everything(self) -> Iterator[bytes]:
        """Every page that there is or was, in use or not, committed or not."""
        yield from self._pieces(self._database, 0, PAGE, 0)
        yield from self._pieces(self._wal, WAL_HEADER.size, FRAME, FRAME_HEADER.size)

    def _kind(self, number: int) -> int:
        at = number - 2
        its_map = at // (_MAPPED + 1) * (_MAPPED + 1) + 2
        if number == its_map:
            return 0
        page = self.page(its_map)
        return page[(number - its_map - 1) * _MAP_ENTRY.size] if page is not None else 5

    def _frames(self) -> Iterator[tuple[int, int]]:
        """(page number, place of the page in the WAL) of all frames of whole transactions, in order."""
        head = self._read(self._wal, 0, WAL_HEADER.size)
        if head is None:
            return
        magic, _version, _page, _sequence, *salts, _, _ = WAL_HEADER.unpack(head)
        order = ">" if magic & 1 else "<"
        sums = _checksum(head[:24], (0, 0), order)
        if magic & ~1 != _MAGIC or sums != struct.unpack(">2I", head[24:]):
            return
        begun = []
        for place in range(WAL_HEADER.size, self._size(self._wal), FRAME):
            frame = self._read(self._wal, place, FRAME)
            if frame is None:
                return
            number, size, *its_salts, one, other = FRAME_HEADER.unpack_from(frame)
            sums = _checksum(frame[FRAME_HEADER.size :], _checksum(frame[:8], sums, order), order)
            if its_salts != salts or sums != (one, other):
                return
            begun.append((number, place + FRAME_HEADER.size))
            if size:  # it ends a transaction
                yield from begun
                begun = []

    def _open(self, path: Path) -> int | None:
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        self._files.callback(os.close, file)
        return file

    @staticmethod
    def _size(file: int | None) -> int:
        return os.fstat(file).st_size if file is not None else 0

    @staticmethod
    def _read(file: int | None, place: int, octets: int) -> bytes | None:
        """None where the medium does not give them, or the file ends before."""
        try:
            data = os.pread(file, octets, place) if file is not None else b""
        except OSError:
            return None
        return data if len(data) == octets else None

    def _pieces(self, file: int | None, begin: int, step: int, skip: int) -> Iterator[bytes]:
        size = self._size(file)
        many = _PIECE // PAGE * step
        for place in range(begin, size, many):
            octets = min(many, size - place)
            data = self._read(file, place, octets)
            if data is not None:
                yield from (data[at + skip : at + step] for at in range(0, octets, step))
                continue
            for at in range(place, place + octets, step):  # some of it can be read
                yield self._read(file, at + skip, step - skip) or b""


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """4.2: over pairs of 32-bit words."""
    one, other = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + other) & 0xFFFFFFFF
        other = (other + odd + one) & 0xFFFFFFFF
    return one, other
