"""Messages from the gateway to the node."""

from wire import fields, message
from wire.fields import VERSION
from wire.message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NONCE_OCTETS = 8


class Welcome(Message):
    """The answer to HELLO: where to go on, and what the gateway still needs."""

    TYPE = message.WELCOME

    def __init__(
        self,
        gw: str,
        next: list[list[int]],
        window: int,
        need_desc: bool,
        nonce: bytes,
        ignored: int = 0,
    ) -> None:
        self.gw = gw
        self.next = next  # [boot, stream, seq] each
        self.window = window
        self.need_desc = need_desc
        self.nonce = nonce
        self.ignored = ignored

    def items(self) -> "list[Any]":
        """The type and the map."""
        return [
            self.TYPE,
            {
                "v": VERSION,
                "gw": self.gw,
                "next": self.next,
                "window": self.window,
                "need_desc": self.need_desc,
                "nonce": self.nonce,
            },
        ]

    @staticmethod
    def from_items(items: "list[Any]") -> "Welcome":
        """Check every field; WireError names the first bad one."""
        keyed = fields.mapping(message.sized(items, "WELCOME", 2, 2)[1], "WELCOME")
        fields.version(keyed, "WELCOME")
        return Welcome(
            fields.text(keyed.get("gw"), "WELCOME.gw"),
            fields.stream_points(keyed.get("next"), "WELCOME.next", 1),
            fields.uint(keyed.get("window"), "WELCOME.window", fields.WINDOW_LIMIT),
            fields.boolean(keyed.get("need_desc"), "WELCOME.need_desc"),
            fields.octets(keyed.get("nonce"), "WELCOME.nonce", NONCE_OCTETS, NONCE_OCTETS),
            len(keyed) - 6,
        )


class Ack(Message):
    """Everything of this stream below `next_seq` is on disk."""

    TYPE = message.ACK

    def __init__(self, boot: int, stream: int, next_seq: int, window: int) -> None:
        self.boot = boot
        self.stream = stream
        self.next_seq = next_seq
        self.window = window

    def items(self) -> "list[Any]":
        """The positional members."""
        return [self.TYPE, self.boot, self.stream, self.next_seq, self.window]

    @staticmethod
    def from_items(items: "list[Any]") -> "Ack":
        """Check every field; WireError names the first bad one."""
        message.sized(items, "ACK", 5, 5)
        return Ack(
            fields.uint(items[1], "ACK.boot", fields.BOOT_LIMIT),
            fields.uint(items[2], "ACK.stream", fields.STREAM_LIMIT),
            fields.uint(items[3], "ACK.next_seq", fields.SEQ_LIMIT + 1),
            fields.uint(items[4], "ACK.window", fields.WINDOW_LIMIT),
        )


class Time(Message):
    """A request for the node's ticks."""

    TYPE = message.TIME

    def __init__(self, id: int) -> None:
        self.id = id

    def items(self) -> "list[Any]":
        """The positional members."""
        return [self.TYPE, self.id]

    @staticmethod
    def from_items(items: "list[Any]") -> "Time":
        """Check the field; WireError names it."""
        message.sized(items, "TIME", 2, 2)
        return Time(fields.uint(items[1], "TIME.id", fields.SEQ_LIMIT))


class Who(Message):
    """A request for HELLO."""

    TYPE = message.WHO

    @staticmethod
    def from_items(items: "list[Any]") -> "Who":
        """WHO has no fields."""
        message.sized(items, "WHO", 1, 1)
        return Who()


_READERS = {
    Welcome.TYPE: Welcome.from_items,
    Ack.TYPE: Ack.from_items,
    Time.TYPE: Time.from_items,
    Who.TYPE: Who.from_items,
}


def decode(data: bytes) -> Message:
    """Decode a message from a gateway; WireError for anything that is not one."""
    # The type follows the head of an array of few members.
    if len(data) > 1 and data[1] in (message.COMMAND, message.CHUNK):
        from wire.remote import READERS  # noqa: PLC0415 - rare, and a node has no memory to spare

        return message.read(data, READERS)
    return message.read(data, _READERS)
