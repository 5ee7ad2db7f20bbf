"""What the messages of both directions share: numbers, comparison, and the way to a class."""

from wire import cbor
from wire.compat import const
from wire.errors import WireError
from wire.fields import MESSAGE_OCTETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


HELLO = const(0)
WELCOME = const(1)
DESCRIBE = const(2)
BLOCK = const(3)
ACK = const(4)
GAP = const(5)
TIME = const(6)
TIME_REPLY = const(7)
COMMAND = const(8)
RESULT = const(9)
CHUNK = const(10)
LOG = const(11)
WHO = const(12)


class Message:
    """One message; its attributes are the protocol's fields. Never changed once made."""

    TYPE = -1

    def encode(self, encoder: cbor.Encoder) -> bytes:
        """The message's octets, written with `encoder`."""
        encoder.start()
        encoder.value(self.items())
        return encoder.take()

    def items(self) -> "list[Any]":
        """The members of the message's CBOR array, its type first."""
        return [self.TYPE]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return type(self).__name__ + repr(self.__dict__)


def read(data: bytes, readers: "Mapping[int, Callable[[list[Any]], Message]]") -> "Message":
    """Decode `data` into the message that `readers` makes of items of its type."""
    if len(data) > MESSAGE_OCTETS:
        raise WireError("too_long", str(len(data)) + " octets, limit " + str(MESSAGE_OCTETS))
    items = cbor.decode(data)
    if not isinstance(items, list) or not items:
        raise WireError("not_a_message", "a message is an array that begins with its type")
    number = items[0]
    if isinstance(number, int) and number is not True and number is not False:
        if number in readers:
            return readers[number](items)
        if number in range(WHO + 1):
            raise WireError("wrong_direction", "type " + str(number))
        raise WireError("unknown_type", "type " + str(number))
    raise WireError("not_a_message", "the type is not a number")


def sized(items: "list[Any]", name: str, least: int, most: int) -> "list[Any]":
    """`items` if the message has `least` to `most` members."""
    if len(items) < least or len(items) > most:
        raise WireError("bad_field", name + ": " + str(len(items)) + " members")
    return items
