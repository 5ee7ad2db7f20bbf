"""Messages from the node to the gateway."""

from hashlib import sha256

from wire import message
from wire.compat import const
from wire.message import Message
from wire.up_node import Hello, Log, TimeReply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "HASH_OCTETS",
    "Block",
    "Describe",
    "Gap",
    "Hello",
    "Log",
    "TimeReply",
    "decode",
    "descriptor_hash",
]

HASH_OCTETS = const(8)  # a descriptor is known by the first octets of its SHA-256


def descriptor_hash(encoded: bytes) -> bytes:
    """The name of a descriptor: the first octets of the SHA-256 of its encoding."""
    return sha256(encoded).digest()[:HASH_OCTETS]


class Describe(Message):
    """The descriptor: channels, groups, node (docs/link-protocol.md)."""

    TYPE = message.DESCRIBE

    def __init__(self, descriptor: "dict[str, Any]") -> None:
        self.descriptor = descriptor

    def items(self) -> "list[Any]":
        """The type and the descriptor."""
        return [self.TYPE, self.descriptor]


class Block(Message):
    """Consecutive scans of one group; `values` as differences (wire/block.py)."""

    TYPE = message.BLOCK

    def __init__(
        self,
        boot: int,
        stream: int,
        seq: int,
        group: int,
        t_first: int,
        span: int,
        values: list[int | None],
        exceptions: dict[int, int],
    ) -> None:
        self.boot = boot
        self.stream = stream
        self.seq = seq
        self.group = group
        self.t_first = t_first
        self.span = span
        self.values = values
        self.exceptions = exceptions  # index into values: fault code

    @property
    def next_seq(self) -> int:
        """The seq after this record."""
        return self.seq + 1

    def items(self) -> "list[Any]":
        """The positional members; exceptions only where there are any."""
        head: list[Any] = [self.TYPE, self.boot, self.stream, self.seq, self.group, self.t_first, self.span]
        head.append(self.values)
        if self.exceptions:
            head.append(self.exceptions)
        return head


class Gap(Message):
    """Records that the node had to drop: seq up to, not including, next_seq."""

    TYPE = message.GAP

    def __init__(
        self,
        boot: int,
        stream: int,
        seq: int,
        next_seq: int,
        reason: str,
        t_first: int,
        span: int,
    ) -> None:
        self.boot = boot
        self.stream = stream
        self.seq = seq
        self.next_seq = next_seq
        self.reason = reason
        self.t_first = t_first
        self.span = span

    def items(self) -> "list[Any]":
        """The positional members."""
        return [
            self.TYPE,
            self.boot,
            self.stream,
            self.seq,
            self.next_seq,
            self.reason,
            self.t_first,
            self.span,
        ]


def decode(data: bytes) -> Message:
    """Decode a message from a node; WireError for anything that is not one."""
    # Imported here: a node encodes these messages only, and has no memory to spare.
    from wire.up_fields import READERS  # noqa: PLC0415

    return message.read(data, READERS)
