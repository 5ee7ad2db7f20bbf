"""Messages from a node out of their CBOR items. Every field is checked; WireError names the bad one.

Apart from `wire.up`, for a node has no use for this half.
"""

from wire import fields, message, remote
from wire.compat import const
from wire.up import HASH_OCTETS, Block, Describe, Gap, Hello, Log, TimeReply
from wire.up_node import NONCE_OCTETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UID_LEAST = const(6)
UID_MOST = const(8)
VALUES_LIMIT = const(1000)  # integers in a BLOCK; the frame's limit comes sooner
VALUE_LIMIT = const(0x1FFFFFFFFFFFFF)  # every raw value is exact as a double, too
CODE_LIMIT = const(255)
MTU_LIMIT = const(0xFFFF)


def hello(items: "list[Any]") -> Hello:
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
        len(keyed) - 10 - sum(key in keyed for key in ("trial", "descs", "crash")),
        fields.text(keyed.get("trial", ""), "HELLO.trial"),
        _descs(keyed.get("descs", [])),
        fields.text(keyed.get("crash", ""), "HELLO.crash"),
    )


def _descs(value: object) -> "list[list[Any]]":
    pairs = fields.members(value, "HELLO.descs", fields.STREAMS_LIMIT)
    for pair in pairs:
        if len(fields.members(pair, "HELLO.descs", 2)) != 2:
            raise fields.bad("HELLO.descs", "a member is not a boot and a hash")
        fields.uint(pair[0], "HELLO.descs.boot", fields.BOOT_LIMIT)
        fields.octets(pair[1], "HELLO.descs.desc", HASH_OCTETS, HASH_OCTETS)
    return pairs


def describe(items: "list[Any]") -> Describe:
    """The descriptor's own contents are checked where they are used."""
    return Describe(fields.mapping(message.sized(items, "DESCRIBE", 2, 2)[1], "DESCRIBE"))


def block(items: "list[Any]") -> Block:
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
    exceptions: dict[int, int] = {}
    if len(items) == 9:
        exceptions = items[8]
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
    """WireError unless there are any, and every one names a null of `values` and a fault code."""
    if not isinstance(exceptions, dict) or not exceptions:
        raise fields.bad("BLOCK.exceptions", "not a map with members")
    for index in exceptions:
        fields.uint(index, "BLOCK.exceptions index", len(values) - 1)
        if values[index] is not None:
            raise fields.bad("BLOCK.exceptions", "value " + str(index) + " is not missing")
        fields.uint(exceptions[index], "BLOCK.exceptions code", CODE_LIMIT)


def gap(items: "list[Any]") -> Gap:
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


def time_reply(items: "list[Any]") -> TimeReply:
    """Check every field; WireError names the first bad one."""
    message.sized(items, "TIME_REPLY", 4, 4)
    received = fields.uint(items[2], "TIME_REPLY.received", fields.TICKS_LIMIT)
    sent = fields.uint(items[3], "TIME_REPLY.sent", fields.TICKS_LIMIT)
    if sent < received:
        raise fields.bad("TIME_REPLY.sent", "before received")
    return TimeReply(fields.uint(items[1], "TIME_REPLY.id", fields.SEQ_LIMIT), received, sent)


def log(items: "list[Any]") -> Log:
    """Check every field; WireError names the first bad one."""
    message.sized(items, "LOG", 4, 4)
    return Log(
        fields.uint(items[1], "LOG.ticks", fields.TICKS_LIMIT),
        fields.text(items[2], "LOG.level"),
        fields.text(items[3], "LOG.text"),
    )


READERS = {
    Hello.TYPE: hello,
    Describe.TYPE: describe,
    Block.TYPE: block,
    Gap.TYPE: gap,
    TimeReply.TYPE: time_reply,
    Log.TYPE: log,
    remote.Result.TYPE: remote.Result.from_items,
}
