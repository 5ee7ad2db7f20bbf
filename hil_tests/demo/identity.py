"""What names a record everywhere on its way: (node, boot, stream, seq)."""

from __future__ import annotations

from typing import NamedTuple


class Stream(NamedTuple):
    """One row of consecutive records. `node` is the uid in lower-case hex."""

    node: str
    boot: int
    stream: int

    def record(self, seq: int) -> Identity:
        """The record with this number."""
        return Identity(self.node, self.boot, self.stream, seq)


class Identity(NamedTuple):
    """One record."""

    node: str
    boot: int
    stream: int
    seq: int

    @property
    def of(self) -> Stream:
        """The stream that the record stands in."""
        return Stream(self.node, self.boot, self.stream)

    def __str__(self) -> str:
        return f"node {self.node} boot {self.boot >> 16} stream {self.stream} seq {self.seq}"


class Gap(NamedTuple):
    """Records that were given up and named: seq up to, not including, next_seq."""

    of: Stream
    seq: int
    next_seq: int

    @property
    def records(self) -> int:
        """How many."""
        return self.next_seq - self.seq

    def names(self, record: Identity) -> bool:
        """Whether the record is one of them."""
        return record.of == self.of and self.seq <= record.seq < self.next_seq
