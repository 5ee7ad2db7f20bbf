"""A board that sleeps, in virtual time, and what it said over its life."""

import json
from pathlib import Path

from gateway.contacts import Contacts
from gateway.node_clock import Exchange
from provisioning.application import Application, build
from tests.firmware.launched import Life
from wire import down, up
from wire.framing import FRAME_LIMIT_UP, FrameReader

WAKE_S = 60
EVERY = 15
PPM = 10_000
SETTINGS = {
    "sensors": [{"driver": "bme280"}, {"driver": "hx711"}],
    "groups": [{"name": "air", "sensors": [0]}, {"name": "load", "sensors": [1]}],
    "health_ms": 0,
    "sleep": {"wake_ms": WAKE_S * 1000, "send_every": EVERY, "clock_ppm": PPM},
}
AIR, LOAD = 0, 1


class Sleeping(Life):
    """With a gateway that asks for the time in every contact."""

    def __init__(
        self,
        directory: Path,
        application: Application | None = None,
        *,
        more: dict | None = None,
        of_board: dict | None = None,
        **sleep: int,
    ) -> None:
        self.exchanges: dict[int, list[Exchange]] = {}
        self._boot = 0
        self._asked: tuple[int, int] | None = None
        self._reader = FrameReader(FRAME_LIMIT_UP)
        self.sent: dict[tuple[int, int, int], set[bytes]] = {}  # by boot, stream, seq: octets
        settings = {**SETTINGS, "sleep": {**SETTINGS["sleep"], **sleep}, **(more or {})}
        files = {**(application or build()).files, "/settings.json": json.dumps(settings).encode()}
        super().__init__(directory, files, **(of_board or {}))

    def _hear(self, way: str, octets: bytes, at_ns: int) -> None:
        super()._hear(way, octets, at_ns)
        if way != "up":
            return
        for frame in self._reader.feed(octets):
            match up.decode(frame):
                case up.Hello() as hello:
                    self._boot = hello.boot
                    self.time.after(0.3, self._ask)
                case up.Block() | up.Gap() as record:
                    self.sent.setdefault((record.boot, record.stream, record.seq), set()).add(frame)
                case up.TimeReply() as reply if self._asked and reply.id == self._asked[0]:
                    exchange = Exchange(
                        t1_ns=self._asked[1], t2_us=reply.received, t3_us=reply.sent, t4_ns=at_ns
                    )
                    self.exchanges.setdefault(self._boot, []).append(exchange)
        self._reader.take_text()

    def _ask(self) -> None:
        if not self.gateway.deaf and self.board.pid is not None:
            self._asked = (7_000_000 + len(self.sent), self.time.boottime_ns())
            self.gateway.send(down.Time(self._asked[0]))

    @property
    def wakes(self) -> int:
        """How often it slept and woke."""
        return self.starts.get("deep_sleep", 0)

    def run_wakes(self, count: int) -> None:
        """Until so many more wakes are over."""
        wakes = self.wakes + count
        self.time.run_until(lambda: self.wakes >= wakes and self.board.pid is None, (count + 2) * 2 * WAKE_S)

    def until_asleep(self, seconds: float = 100) -> None:
        """Until it sleeps, or sleeps on."""
        self.time.run_until(lambda: self.board.pid is None, seconds)

    def boots(self) -> list[int]:
        """Those that the gateway has records of, the oldest first."""
        return sorted({record.boot for record in self.stored()})

    def stored(self, group: int | None = None) -> list[up.Block]:
        """What the gateway took, without gaps."""
        return [
            record
            for record in self.gateway.records
            if isinstance(record, up.Block) and group in (None, record.group)
        ]

    def clocks(self) -> dict[int, Contacts]:
        """As a gateway makes them of these exchanges, by boot."""
        clocks = {}
        for boot, exchanges in self.exchanges.items():
            clocks[boot] = Contacts(PPM)
            for exchange in exchanges:
                clocks[boot].add(exchange)
        return clocks

    def probed(self) -> list[int]:
        """When the BME280 began to measure for good, in virtual nanoseconds: the truth about its records."""
        begun = [each.boottime_ns for each in self.board.accesses if each.written[:1] == b"\xf4"]
        return [at for at, after in zip(begun, [*begun[1:], 1 << 62], strict=True) if after - at > 10**9]
