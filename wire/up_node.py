"""What a node says with objects of these classes; it needs no others (wire/up.py has all).

A BLOCK is written by wire/block.py as it comes, a GAP by firmware/spill.py, DESCRIBE once at the start.
"""

from wire import message
from wire.compat import const
from wire.fields import VERSION
from wire.message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NONCE_OCTETS = const(8)


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
        trial: str = "",
        descs: "list[list[Any]] | None" = None,
        crash: str = "",
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
        self.descs = descs or []  # [boot, descriptor's hash] of each earlier boot that had another one
        self.trial = trial  # what this boot tries and is not confirmed: settings, application
        self.crash = crash  # what ended an earlier boot, until a WELCOME acknowledges it

    def items(self) -> "list[Any]":
        """The type and the map; `trial`, `descs` and `crash` only where there are any."""
        keyed = {
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
        }
        if self.trial:
            keyed["trial"] = self.trial
        if self.descs:
            keyed["descs"] = self.descs
        if self.crash:
            keyed["crash"] = self.crash
        return [self.TYPE, keyed]


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
