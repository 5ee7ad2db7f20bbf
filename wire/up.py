"""Messages from the node to the gateway."""

from hashlib import sha256

from wire import message
from wire.fields import VERSION
from wire.message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UID_LEAST = 6
UID_MOST = 8
HASH_OCTETS = 8  # a descriptor is known by the first octets of its SHA-256
NONCE_OCTETS = 8
VALUES_LIMIT = 1000  # integers in a BLOCK; the frame's limit comes sooner
VALUE_LIMIT = 0x1FFFFFFFFFFFFF  # every raw value is exact as a double, too
CODE_LIMIT = 255
MTU_LIMIT = 0xFFFF


def descriptor_hash(encoded: bytes) -> bytes:
    """The name of a descriptor: the first octets of the SHA-256 of its encoding."""
    return sha256(encoded).digest()[:HASH_OCTETS]


class Hello(Message):
    """Who the node is, which boot this is, and what it still holds."""

    TYPE = message.HELLO

    def __init__(
        self,
        uid: bytes,
        boot: int,
        ticks: int,
        fw: str,
        desc: bytes,
        reset: str,
        queued: list[list[int]],
        mtu: int,
        nonce: bytes,
        ignored: int = 0,
    ) -> None:
        self.uid = uid
        self.boot = boot
        self.ticks = ticks
        self.fw = fw
        self.desc = desc
        self.reset = reset
        self.queued = queued  # [boot, stream, first_seq, next_seq] each
        self.mtu = mtu
        self.nonce = nonce
        self.ignored = ignored  # unknown keys, not taken for an error

    def items(self) -> "list[Any]":
        """The type and the map."""
        return [
            self.TYPE,
            {
                "v": VERSION,
                "uid": self.uid,
                "boot": self.boot,
                "ticks": self.ticks,
                "fw": self.fw,
                "desc": self.desc,
                "reset": self.reset,
                "queued": self.queued,
                "mtu": self.mtu,
                "nonce": self.nonce,
            },
        ]


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


class TimeReply(Message):
    """The node's ticks when TIME came in and when this message went out."""

    TYPE = message.TIME_REPLY

    def __init__(self, id: int, received: int, sent: int) -> None:
        self.id = id
        self.received = received
        self.sent = sent

    def items(self) -> "list[Any]":
        """The positional members."""
        return [self.TYPE, self.id, self.received, self.sent]


class Log(Message):
    """One line that the node has to say."""

    TYPE = message.LOG

    def __init__(self, ticks: int, level: str, text: str) -> None:
        self.ticks = ticks
        self.level = level
        self.text = text

    def items(self) -> "list[Any]":
        """The positional members."""
        return [self.TYPE, self.ticks, self.level, self.text]


def decode(data: bytes) -> Message:
    """Decode a message from a node; WireError for anything that is not one."""
    # Imported here: a node encodes these messages only, and has no memory to spare.
    from wire.up_fields import READERS  # noqa: PLC0415

    return message.read(data, READERS)
