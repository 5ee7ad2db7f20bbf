"""The node's end of the link as a state machine: octets to send come out, messages go in.

SEEKING: HELLO at 1, 2, 4 ... 30 s with jitter until a WELCOME comes.
UP: records in the order of urgency within the gateway's window; back to what is acknowledged
when an ACK shows a hole or none comes. Three ACK timeouts, WHO or silence: SEEKING again.
"""

from wire import down, up_node
from wire.cbor import Encoder
from wire.compat import const
from wire.errors import WireError
from wire.fields import MESSAGE_OCTETS, cut
from wire.message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Queue(Protocol):
        """Where the node keeps its records."""

        def held(self) -> list[list[int]]: ...
        def descs(self) -> list[list[Any]]: ...
        def get(self, boot: int, stream: int, seq: int) -> tuple[bytes, int]: ...
        def free(self, boot: int, stream: int, next_seq: int) -> int: ...


SEEKING = const(0)
UP = const(1)

HELLO_FIRST_MS = const(1000)
HELLO_MOST_MS = const(30000)
ACK_TIMEOUT_MS = const(2000)
ACK_TIMEOUTS = const(3)  # in a row, then the gateway is asked for its state
SILENCE_MS = const(90000)
LOGS_KEPT = const(8)


class NodeSession:
    """`hello` is the template of every HELLO: queued, ticks and nonce are filled in each time.

    `describe()` gives the encoded DESCRIBE; a node has no room for the descriptor as objects.
    `queue` holds the records (docs/architecture.md, RamQueue); `random_below(n)` gives an
    integer from 0 to n - 1. `encoder` may be shared with whoever takes what it wrote at once.
    Times are milliseconds that never wrap.
    """

    def __init__(
        self,
        hello: up_node.Hello,
        describe: "Callable[[], bytes]",
        queue: "Queue",
        random_below: "Callable[[int], int]",
        encoder: "Encoder | None" = None,
    ) -> None:
        self.state = SEEKING
        self.acked = 0  # records freed by the gateway's word since the start
        self.answer: bytes | None = None  # the RESULT to send next
        self._hello = hello
        self._describe = describe
        self._queue = queue
        self._random_below = random_below
        self._encoder = encoder or Encoder(MESSAGE_OCTETS)
        self._window = 0
        self._must_describe = False
        self._time_reply: tuple[int, int] | None = None
        self._logs: list[up_node.Log] = []
        self._next: dict[tuple[int, int], int] = {}  # (boot, stream): seq to send next
        self._flight: list[
            tuple[int, int, int, int]
        ] = []  # (boot, stream, next_seq, octets) sent, not acknowledged
        self._went_back_to: tuple[tuple[int, int], int] | None = None
        self._timeouts = 0
        self._acked_ms = 0
        self.heard_ms = 0
        self._hello_ms = 0
        self._hello_wait_ms = HELLO_FIRST_MS

    def log(self, ticks: int, level: str, text: str) -> None:
        """Tell the gateway something when there is nothing better to send; the newest few."""
        if len(self._logs) >= LOGS_KEPT:
            self._logs.pop(0)
        self._logs.append(up_node.Log(ticks, level, cut(text)))

    def receive(self, message: Message, now_ms: int, ticks: int) -> None:
        """Take a message from the gateway; `ticks` are the node's when it came in."""
        self.heard_ms = now_ms
        if isinstance(message, down.Ack):
            self._on_ack(message, now_ms)
        elif isinstance(message, down.Time):
            self._time_reply = (message.id, ticks)
        elif isinstance(message, down.Welcome):
            self._on_welcome(message, now_ms)
        elif isinstance(message, down.Who):
            self._seek(now_ms)

    def poll(self, now_ms: int, ticks: int) -> "bytes | None":
        """The message to send now, or None. Call again until None."""
        if self._time_reply is not None:
            number, received = self._time_reply
            self._time_reply = None
            return up_node.TimeReply(number, received, ticks).encode(self._encoder)
        if self.state == UP and now_ms - self.heard_ms >= SILENCE_MS:
            self._seek(now_ms)
        if self.state == SEEKING:
            return self._poll_hello(now_ms, ticks)
        if self.answer is not None:
            answer = self.answer
            self.answer = None
            return answer
        if self._must_describe:
            self._must_describe = False
            return self._describe()
        if self._flight and now_ms - self._acked_ms >= ACK_TIMEOUT_MS:
            self._timeouts += 1
            if self._timeouts >= ACK_TIMEOUTS:
                self._seek(now_ms)
                return self._poll_hello(now_ms, ticks)
            self._go_back()
        octets = self._next_record(now_ms)
        if octets is None and self._logs:
            return self._logs.pop(0).encode(self._encoder)
        return octets

    def wait_ms(self, now_ms: int) -> int:
        """How long `poll` will have nothing to give unless a message or a record comes."""
        if self.state == SEEKING:
            return max(0, self._hello_ms - now_ms)
        due_ms = self.heard_ms + SILENCE_MS
        if self._flight:
            due_ms = min(due_ms, self._acked_ms + ACK_TIMEOUT_MS)
        return max(0, due_ms - now_ms)

    def _seek(self, now_ms: int) -> None:
        self.state = SEEKING
        self._flight = []
        self._timeouts = 0
        self._hello_wait_ms = HELLO_FIRST_MS
        self._hello_ms = now_ms

    def _poll_hello(self, now_ms: int, ticks: int) -> "bytes | None":
        if now_ms < self._hello_ms:
            return None
        wait_ms = self._hello_wait_ms
        self._hello_ms = now_ms + wait_ms - wait_ms // 8 + self._random_below(wait_ms // 4)
        self._hello_wait_ms = min(2 * wait_ms, HELLO_MOST_MS)
        hello = self._hello
        hello.ticks = ticks
        hello.queued = self._queue.held()
        hello.descs = self._queue.descs()
        hello.nonce = bytes([self._random_below(256) for _ in range(up_node.NONCE_OCTETS)])
        try:
            return hello.encode(self._encoder)
        except WireError:  # beside so many earlier boots there is no room for it: the next start tells it
            hello.crash = ""
            return hello.encode(self._encoder)

    def _on_welcome(self, welcome: down.Welcome, now_ms: int) -> None:
        self.state = UP
        self._window = welcome.window
        self._must_describe = welcome.need_desc
        self._timeouts = 0
        self._acked_ms = now_ms
        self._flight = []
        self._went_back_to = None
        for boot, stream, seq in welcome.next:
            self._free(boot, stream, seq)
        self._go_back()

    def _on_ack(self, ack: down.Ack, now_ms: int) -> None:
        if self.state != UP:
            return
        self._window = ack.window
        key = (ack.boot, ack.stream)
        if self._free(ack.boot, ack.stream, ack.next_seq):
            self._acked_ms = now_ms
            self._timeouts = 0
            self._went_back_to = None
            self._flight = [
                sent
                for sent in self._flight
                if sent[0] != ack.boot or sent[1] != ack.stream or sent[2] > ack.next_seq
            ]
        elif self._next.get(key, 0) > ack.next_seq and self._went_back_to != (key, ack.next_seq):
            # Nothing new, and more was sent: a record was lost on the way. Once per hole, for
            # every later record of the same flight is answered with the same ACK.
            self._went_back_to = (key, ack.next_seq)
            self._go_back()
            self._acked_ms = now_ms

    def _free(self, boot: int, stream: int, next_seq: int) -> bool:
        freed = self._queue.free(boot, stream, next_seq)
        self.acked += freed
        return freed > 0

    def _go_back(self) -> None:
        self._flight = []
        self._next = {}

    def _next_record(self, now_ms: int) -> "bytes | None":
        in_flight = 0
        for sent in self._flight:
            in_flight += sent[3]
        for boot, stream, first_seq, next_seq in self._queue.held():
            key = (boot, stream)
            seq = max(self._next.get(key, 0), first_seq)
            if seq >= next_seq:
                continue
            octets, after = self._queue.get(boot, stream, seq)
            if not self._window or (in_flight and in_flight + len(octets) > self._window):
                return None
            if not self._flight:
                self._acked_ms = now_ms
            self._next[key] = after
            self._flight.append((boot, stream, after, len(octets)))
            return octets
        return None
