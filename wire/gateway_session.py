"""The gateway's end of one line as a state machine: messages in, messages to send out.

STRANGER: nobody has said HELLO on this line; anything else is answered with WHO.
DESCRIBING: welcomed, but its descriptor is unknown: records are not taken until it comes, so
every record in the store has its descriptor there too.
OPEN: records are taken in order.
"""

from wire import down, up
from wire.compat import const
from wire.intake import AHEAD, REPEAT, Intake
from wire.message import Message

STRANGER = const(0)
DESCRIBING = const(1)
OPEN = const(2)

WHO_EVERY_MS = const(1000)
WELCOME_EVERY_MS = const(1000)  # again, until DESCRIBE comes


class GatewaySession:
    """One line's node. Times are milliseconds of any clock that does not step."""

    def __init__(self, name: str, window: int) -> None:
        self.state = STRANGER
        self.hello: "up.Hello | None" = None
        self.repeats = 0
        self.ahead = 0
        self._name = name
        self._window = window
        self._intake: "Intake | None" = None
        self._who = True  # a node that runs already need not wait for its own HELLO
        self._who_ms = -WHO_EVERY_MS
        self._welcome: "down.Welcome | None" = None
        self._welcome_ms = 0
        self._time_id: "int | None" = None

    def receive(self, message: Message, now_ms: int) -> "Message | None":
        """Take a message; give it back if it is news for the caller, None if not.

        HELLO: the caller answers with `meet`. DESCRIBE: it keeps the descriptor, then calls
        `described`. BLOCK and GAP: it stores them, then the Intake's `commit` makes the ACK.
        """
        if isinstance(message, (up.Block, up.Gap)):
            return self._on_record(message, now_ms)
        if isinstance(message, up.Hello):
            self.hello = message
            self.state = STRANGER  # until the caller has met it: it may be another node than before
            return message
        if self.state == STRANGER:
            self._ask_who(now_ms)
            return None
        return message

    def meet(
        self, intake: Intake, has_descriptor: bool, nonce: bytes, now_ms: int
    ) -> list[tuple[int, int, int, int]]:
        """Welcome the node of the latest HELLO; give (boot, stream, seq, next_seq) it lost."""
        if self.hello is None:
            raise ValueError("meet without a HELLO")
        missing = intake.meet(self.hello.boot, self.hello.queued)
        self._intake = intake
        self.state = OPEN if has_descriptor else DESCRIBING
        points = intake.points(self.hello.queued)
        self._welcome = down.Welcome(self._name, points, self._window, not has_descriptor, nonce)
        self._welcome_ms = now_ms
        return missing

    def described(self) -> None:
        """The descriptor of the node is known now."""
        if self.state == DESCRIBING:
            self.state = OPEN
            self._welcome = None

    def ask_time(self, number: int) -> None:
        """Send TIME with this id at the next chance."""
        self._time_id = number

    def poll(self, now_ms: int) -> "Message | None":
        """The message to send now, or None. Call again until None."""
        if self._who:
            self._who = False
            return down.Who()
        if self._welcome is not None and now_ms >= self._welcome_ms:
            welcome = self._welcome
            self._welcome_ms = now_ms + WELCOME_EVERY_MS
            if self.state == OPEN:
                self._welcome = None
            return welcome
        if self._time_id is not None and self.state != STRANGER:
            number = self._time_id
            self._time_id = None
            return down.Time(number)
        if self._intake is not None and self.state == OPEN:
            due = self._intake.next_ack()
            if due is not None:
                return down.Ack(due[0], due[1], due[2], self._window)
        return None

    def _ask_who(self, now_ms: int) -> None:
        if now_ms - self._who_ms >= WHO_EVERY_MS:
            self._who = True
            self._who_ms = now_ms

    def _on_record(self, record: "up.Block | up.Gap", now_ms: int) -> "Message | None":
        if self.state == OPEN and self._intake is not None:
            if not self._announced(record):
                self._ask_who(now_ms)
                return None
            outcome = self._intake.take(record)
            if outcome == REPEAT:
                self.repeats += 1
            elif outcome == AHEAD:
                self.ahead += 1
            else:
                return record
        elif self.state == STRANGER:
            self._ask_who(now_ms)
        return None

    def _announced(self, record: "up.Block | up.Gap") -> bool:
        # A peer could fill the tables with boots of its invention; HELLO has a limit, so they have.
        if self.hello is None or record.boot == self.hello.boot:
            return self.hello is not None
        for boot, stream, _first_seq, _next_seq in self.hello.queued:
            if record.boot == boot and record.stream == stream:
                return True
        return False
