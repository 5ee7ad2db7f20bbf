"""What a gateway has a node do, and what the node answers: COMMAND and CHUNK down, RESULT up.

Apart from `wire.down` and `wire.up`, for they are rare: a node loads this when the first one comes, and lets
go of it after the last.
"""

from wire import fields, message
from wire.compat import const
from wire.message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OK = const("ok")
REFUSED = const("refused")  # the node will not; `value` is why, in words
UNKNOWN = const("unknown")  # the node does not know the operation, or nothing of the transfer
FAILED = const("failed")  # the node tried; `value` is what went wrong, in words
MORE = const("more")  # as far as that it is right; `value` is where to go on
CHUNK_OCTETS = const(240)  # a frame's limit comes sooner

# What both ends keep to (docs/link-protocol.md).
REPEAT_MS = const(2000)  # an order that is not answered is sent again; a flash that erases takes 0.2 s
SETTINGS_MOST = const(8192)  # octets of settings.json
APPLICATION_MOST = const(262144)  # octets of an application
APPLICATION_MARK = const(b"fieldgate application 1 ")  # it begins so; the bytecode and its version follow
TRIAL_LEAST_S = const(10)
TRIAL_MOST_S = const(3600)
MAINTENANCE_MOST_S = const(3600)
AWAKE_MOST_S = const(86400)
HIDDEN = const("********")  # in the place of a secret of the settings


class Command(Message):
    """Do this. `id` is another one for each command; one that is sent again has the same."""

    TYPE = message.COMMAND

    def __init__(self, id: int, operation: str, arguments: "dict[str, Any]") -> None:
        self.id = id
        self.operation = operation
        self.arguments = arguments

    def items(self) -> "list[Any]":
        """The positional members."""
        return [self.TYPE, self.id, self.operation, self.arguments]

    @staticmethod
    def from_items(items: "list[Any]") -> "Command":
        """Check every field; WireError names the first bad one. An operation checks its arguments."""
        message.sized(items, "COMMAND", 4, 4)
        return Command(
            fields.uint(items[1], "COMMAND.id", fields.SEQ_LIMIT),
            fields.text(items[2], "COMMAND.operation"),
            fields.mapping(items[3], "COMMAND.arguments"),
        )


class Chunk(Message):
    """Octets of the transfer that is under way, from `offset` on. `id` as in COMMAND."""

    TYPE = message.CHUNK

    def __init__(self, id: int, offset: int, octets: bytes) -> None:
        self.id = id
        self.offset = offset
        self.octets = octets

    def items(self) -> "list[Any]":
        """The positional members."""
        return [self.TYPE, self.id, self.offset, self.octets]

    @staticmethod
    def from_items(items: "list[Any]") -> "Chunk":
        """Check every field; WireError names the first bad one."""
        message.sized(items, "CHUNK", 4, 4)
        return Chunk(
            fields.uint(items[1], "CHUNK.id", fields.SEQ_LIMIT),
            fields.uint(items[2], "CHUNK.offset", fields.SEQ_LIMIT),
            fields.octets(items[3], "CHUNK.octets", 1, CHUNK_OCTETS),
        )


class Result(Message):
    """What became of the COMMAND or CHUNK with this `id`."""

    TYPE = message.RESULT

    def __init__(self, id: int, status: str, value: object = None) -> None:
        self.id = id
        self.status = status
        self.value = value

    def items(self) -> "list[Any]":
        """The positional members."""
        return [self.TYPE, self.id, self.status, self.value]

    @staticmethod
    def from_items(items: "list[Any]") -> "Result":
        """Check every field; WireError names the first bad one."""
        message.sized(items, "RESULT", 4, 4)
        return Result(
            fields.uint(items[1], "RESULT.id", fields.SEQ_LIMIT),
            fields.text(items[2], "RESULT.status"),
            items[3],
        )


READERS = {
    Command.TYPE: Command.from_items,
    Chunk.TYPE: Chunk.from_items,
}
