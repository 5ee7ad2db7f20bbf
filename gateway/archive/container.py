"""The outside of an archive: a gzip file, in it a CBOR sequence of byte strings, each one entry.

Nothing of the inside is known here but the last entry, which has the SHA-256 of all before it.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import IO, TYPE_CHECKING

from gateway.archive.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRY_OCTETS = 4096  # the longest: a boot of the host with all its steps
GZIP = 16 + zlib.MAX_WBITS
LEVEL = 4  # 6 makes a file 3 % smaller in three times the time (docs/archive.md)
CHUNK_OCTETS = 64 * 1024

_MAGIC = b"\x1f\x8b"
_SHORT = 0x40  # a byte string's head: its length in the head, or in the octet or two behind it
_ONE = 0x58
_TWO = 0x59
_HEAD_OCTETS = 3


class Packer:
    """Writes entries into a file that is open to write, and knows their SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._gzip = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._hash = sha256()
        self._waiting = bytearray()

    def put(self, entry: bytes) -> None:
        """One more entry, encoded. Raises OSError as soon as the file does."""
        octets = head(len(entry)) + entry
        self._hash.update(octets)
        self._waiting += octets
        if len(self._waiting) >= CHUNK_OCTETS:
            self._write()

    def digest(self) -> bytes:
        """SHA-256 of the content so far."""
        return self._hash.digest()

    def finish(self) -> None:
        """Write what waits. The file is whole, and not yet on stable storage."""
        self._write()
        self._file.write(self._gzip.flush())
        self._file.flush()

    def _write(self) -> None:
        self._file.write(self._gzip.compress(self._waiting))
        self._waiting.clear()


class Unpacker:
    """The entries of a file that is open to read, one after the other, in bounded memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.entry = -1  # the number of the latest
        self.offset = 0  # where in the content it begins
        self._next_offset = 0
        self._file = file
        self._gzip = zlib.decompressobj(GZIP)
        self._hash = sha256()
        self._before = self._hash.digest()

    def digest(self) -> bytes:
        """SHA-256 of the content before the latest entry."""
        return self._before

    def error(self, reason: str, detail: str) -> ArchiveError:
        """What is wrong with the latest entry."""
        return ArchiveError(reason, detail, entry=self.entry, offset=self.offset)

    def entries(self) -> Iterator[bytes]:
        """Every entry, encoded, to the end of the file. Raises ArchiveError and OSError."""
        buffer, at = b"", 0
        for chunk in self._content():
            buffer, at = buffer[at:] + chunk, 0
            while (found := self._split(buffer, at)) is not None:
                start, end = found
                self.entry += 1
                self.offset = self._next_offset
                self._next_offset += end - at
                self._before = self._hash.digest()
                self._hash.update(memoryview(buffer)[at:end])
                at = end
                yield buffer[start:end]
        if at < len(buffer):
            self._begin_next()
            raise self.error("truncated", "the content ends within an entry")

    def _split(self, buffer: bytes, at: int) -> tuple[int, int] | None:
        """Where the next entry begins behind its head, and ends; None where more octets are needed."""
        if len(buffer) - at < _HEAD_OCTETS:
            return None
        initial = buffer[at]
        if initial == _ONE and buffer[at + 1] >= _ONE - _SHORT:
            start, length = at + 2, buffer[at + 1]
        elif initial == _TWO and buffer[at + 1]:
            start, length = at + 3, int.from_bytes(buffer[at + 1 : at + 3], "big")
        elif _SHORT < initial < _ONE:
            start, length = at + 1, initial - _SHORT
        else:
            self._begin_next()
            raise self.error("entry", f"an entry is a byte string, and this begins with 0x{initial:02x}")
        if length > ENTRY_OCTETS:
            self._begin_next()
            raise self.error("limit", f"an entry of {length} octets, limit {ENTRY_OCTETS}")
        end = start + length
        return (start, end) if end <= len(buffer) else None

    def _begin_next(self) -> None:
        self.entry += 1
        self.offset = self._next_offset

    def _content(self) -> Iterator[bytes]:
        """What the compressed octets hold, a piece of at most CHUNK_OCTETS at a time."""
        packed = self._file.read(CHUNK_OCTETS)
        if packed[:2] != _MAGIC:
            raise self.error("not_an_archive", "it is not a gzip file")
        while True:
            try:
                piece = self._gzip.decompress(packed, CHUNK_OCTETS)
            except zlib.error as error:
                raise self.error("damaged", f"it cannot be decompressed: {error}") from None
            yield piece
            if self._gzip.eof:
                break
            if not packed and not piece:
                raise self.error("truncated", "the file ends too early")
            packed = self._gzip.unconsumed_tail or self._file.read(CHUNK_OCTETS)
        if self._gzip.unused_data or self._file.read(1):
            raise self.error("trailing", "there is something behind the end of the archive")


def head(length: int) -> bytes:
    """The head of a byte string of up to 65,535 octets."""
    if length < _ONE - _SHORT:
        return bytes((_SHORT + length,))
    if length <= 0xFF:  # noqa: PLR2004 - one octet
        return bytes((_ONE, length))
    return bytes((_TWO, *length.to_bytes(2, "big")))
