"""A gateway in virtual time, at the end of one board's console: the real session, a store in memory."""

from __future__ import annotations

from functools import partial
from typing import Any

from hil_tests.board import Board, VirtualTime
from hil_tests.board.console import Capture
from wire import up
from wire.cbor import Encoder
from wire.errors import WireError
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_DOWN, FRAME_LIMIT_UP, FrameReader, stuff
from wire.gateway_session import GatewaySession
from wire.intake import Intake
from wire.message import Message
from wire.remote import Result

COMMIT_S = 0.25  # the gateway's own group commit
TIME_EVERY_S = 10.0
WINDOW = 4096
BYTES_PER_S = 11_520  # of the console, at 115200 baud


class SessionGateway:
    """Answers the board from when it is made; `records` are those it took, in their order.

    `deaf` makes it hear nothing. What it says takes its time on the wire. `on_octets` is called for
    all that passes the console, as Board.on_octets does.
    """

    def __init__(self, board: Board, time: VirtualTime, on_octets: Capture | None = None) -> None:
        self.deaf = False
        self.records: list[up.Block | up.Gap] = []
        self.hellos: list[up.Hello] = []
        self.descriptor: dict[str, Any] = {}
        self.logs: list[str] = []
        self.results: list[Result] = []
        self.refused = 0
        self._board = board
        self._time = time
        self._reader = FrameReader(FRAME_LIMIT_UP, self._on_refused)
        self._encoder = Encoder(FRAME_LIMIT_DOWN)
        self._session = GatewaySession("virtual", WINDOW)
        self._intake = Intake({})
        self._committing = False
        self._committed = 0  # of the records
        self._times = 0
        self._on_octets = on_octets
        board.on_octets(self._hear)
        time.after(TIME_EVERY_S, self._ask_time)

    def send(self, message: Message) -> None:
        """Say this, too."""
        octets = stuff(message.encode(self._encoder), ESCAPES_DOWN)
        self._time.after(len(octets) / BYTES_PER_S, partial(self._board.type, octets))

    def health(self) -> dict[str, int | None]:
        """The latest that the node told of itself, by the channels' names."""
        groups = self.descriptor["groups"]
        (number,) = [at for at, group in enumerate(groups) if group["name"] == "health"]
        names = [self.descriptor["channels"][at]["name"] for at in groups[number]["channels"]]
        told = [each for each in self.records if isinstance(each, up.Block) and each.group == number]
        return dict(zip(names, told[-1].values, strict=True))

    def _hear(self, direction: str, octets: bytes, boottime_ns: int) -> None:
        if self._on_octets is not None:
            self._on_octets(direction, octets, boottime_ns)
        if direction != "up" or self.deaf:
            return
        for frame in self._reader.feed(octets):
            try:
                message = self._session.receive(up.decode(frame), self._now_ms())
            except WireError:
                self.refused += 1
                continue
            if message is not None:
                self._take(message)
        self._reader.take_text()
        self._speak()

    def _take(self, message: object) -> None:
        match message:
            case up.Hello():
                self.hellos.append(message)
                self._session.meet(self._intake, has_descriptor=False, nonce=bytes(8), now_ms=self._now_ms())
            case up.Describe():
                self.descriptor = message.descriptor
                self._session.described()
            case up.Block() | up.Gap():
                self.records.append(message)
                if not self._committing:
                    self._committing = True
                    self._time.after(COMMIT_S, self._commit)
            case up.Log():
                self.logs.append(message.text)
            case Result():
                self.results.append(message)

    def _commit(self) -> None:
        self._committing = False
        for record in self.records[self._committed :]:
            self._intake.commit(record.boot, record.stream, record.next_seq)
        self._committed = len(self.records)
        self._speak()

    def _ask_time(self) -> None:
        self._times += 1
        self._session.ask_time(self._times)
        self._speak()
        self._time.after(TIME_EVERY_S, self._ask_time)

    def _speak(self) -> None:
        while (message := self._session.poll(self._now_ms())) is not None:
            self.send(message)

    def _now_ms(self) -> int:
        return self._time.monotonic_us() // 1000

    def _on_refused(self, _reason: str, _octets: bytes) -> None:
        self.refused += 1
