"""Messages from the node to the gateway."""

from hashlib import sha256

from wire import fields, message
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

    @staticmethod
    def from_items(items: "list[Any]") -> "Hello":
        """Check every field; WireError names the first bad one."""
        keyed = fields.mapping(message.sized(items, "HELLO", 2, 2)[1], "HELLO")
        fields.version(keyed, "HELLO")
        queued = fields.stream_points(keyed.get("queued"), "HELLO.queued", 2)
        for point in queued:
            if point[3] < point[2]:
                raise fields.bad("HELLO.queued", "next_seq below first_seq")
        return Hello(
            fields.octets(keyed.get("uid"), "HELLO.uid", UID_LEAST, UID_MOST),
            fields.uint(keyed.get("boot"), "HELLO.boot", fields.BOOT_LIMIT),
            fields.uint(keyed.get("ticks"), "HELLO.ticks", fields.TICKS_LIMIT),
            fields.text(keyed.get("fw"), "HELLO.fw"),
            fields.octets(keyed.get("desc"), "HELLO.desc", HASH_OCTETS, HASH_OCTETS),
            fields.text(keyed.get("reset"), "HELLO.reset"),
            queued,
            fields.uint(keyed.get("mtu"), "HELLO.mtu", MTU_LIMIT),
            fields.octets(keyed.get("nonce"), "HELLO.nonce", NONCE_OCTETS, NONCE_OCTETS),
            len(keyed) - 10,
        )


class Describe(Message):
    """The descriptor: channels, groups, node (docs/link-protocol.md)."""

    TYPE = message.DESCRIBE

    def __init__(self, descriptor: "dict[str, Any]") -> None:
        self.descriptor = descriptor

    def items(self) -> "list[Any]":
        """The type and the descriptor."""
        return [self.TYPE, self.descriptor]

    @staticmethod
    def from_items(items: "list[Any]") -> "Describe":
        """The descriptor's own contents are checked where they are used."""
        return Describe(fields.mapping(message.sized(items, "DESCRIBE", 2, 2)[1], "DESCRIBE"))


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

    @staticmethod
    def from_items(items: "list[Any]") -> "Block":
        """Check every field; WireError names the first bad one."""
        message.sized(items, "BLOCK", 8, 9)
        values = fields.members(items[7], "BLOCK.values", VALUES_LIMIT)
        for value in values:
            if value is not None and (
                not isinstance(value, int)
                or value is True
                or value is False
                or not -VALUE_LIMIT <= value <= VALUE_LIMIT
            ):
                raise fields.bad("BLOCK.values", "a value is not null or within 2^53")
        exceptions = items[8] if len(items) == 9 else {}
        check_exceptions(values, exceptions)
        return Block(
            fields.uint(items[1], "BLOCK.boot", fields.BOOT_LIMIT),
            fields.uint(items[2], "BLOCK.stream", fields.STREAM_LIMIT),
            fields.uint(items[3], "BLOCK.seq", fields.SEQ_LIMIT),
            fields.uint(items[4], "BLOCK.group", fields.GROUP_LIMIT),
            fields.uint(items[5], "BLOCK.t_first", fields.TICKS_LIMIT),
            fields.uint(items[6], "BLOCK.span", fields.TICKS_LIMIT),
            values,
            exceptions,
        )


def check_exceptions(values: list[int | None], exceptions: object) -> None:
    """WireError unless every exception names a null of `values` and a fault code."""
    if not isinstance(exceptions, dict):
        raise fields.bad("BLOCK.exceptions", "not a map")
    for index in exceptions:
        fields.uint(index, "BLOCK.exceptions index", len(values) - 1)
        if values[index] is not None:
            raise fields.bad("BLOCK.exceptions", "value " + str(index) + " is not missing")
        fields.uint(exceptions[index], "BLOCK.exceptions code", CODE_LIMIT)


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

    @staticmethod
    def from_items(items: "list[Any]") -> "Gap":
        """Check every field; WireError names the first bad one."""
        message.sized(items, "GAP", 8, 8)
        seq = fields.uint(items[3], "GAP.seq", fields.SEQ_LIMIT)
        next_seq = fields.uint(items[4], "GAP.next_seq", fields.SEQ_LIMIT + 1)
        if next_seq <= seq:
            raise fields.bad("GAP.next_seq", "not above seq")
        return Gap(
            fields.uint(items[1], "GAP.boot", fields.BOOT_LIMIT),
            fields.uint(items[2], "GAP.stream", fields.STREAM_LIMIT),
            seq,
            next_seq,
            fields.text(items[5], "GAP.reason"),
            fields.uint(items[6], "GAP.t_first", fields.TICKS_LIMIT),
            fields.uint(items[7], "GAP.span", fields.TICKS_LIMIT),
        )


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

    @staticmethod
    def from_items(items: "list[Any]") -> "TimeReply":
        """Check every field; WireError names the first bad one."""
        message.sized(items, "TIME_REPLY", 4, 4)
        received = fields.uint(items[2], "TIME_REPLY.received", fields.TICKS_LIMIT)
        sent = fields.uint(items[3], "TIME_REPLY.sent", fields.TICKS_LIMIT)
        if sent < received:
            raise fields.bad("TIME_REPLY.sent", "before received")
        return TimeReply(fields.uint(items[1], "TIME_REPLY.id", fields.SEQ_LIMIT), received, sent)


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

    @staticmethod
    def from_items(items: "list[Any]") -> "Log":
        """Check every field; WireError names the first bad one."""
        message.sized(items, "LOG", 4, 4)
        return Log(
            fields.uint(items[1], "LOG.ticks", fields.TICKS_LIMIT),
            fields.text(items[2], "LOG.level"),
            fields.text(items[3], "LOG.text"),
        )


_CLASSES = (Hello, Describe, Block, Gap, TimeReply, Log)


def decode(data: bytes) -> Message:
    """Decode a message from a node; WireError for anything that is not one."""
    return message.read(data, _CLASSES)
