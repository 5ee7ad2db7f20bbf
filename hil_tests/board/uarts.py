"""UARTs 1 and 2: a cable each, where the wiring has one, and a receive buffer."""

from __future__ import annotations

from collections.abc import Callable

from hil_tests.board.host import Host
from hil_tests.board.line import PtyLine
from hil_tests.board.pipe import InputPipe

_RING_OCTETS = 256
_RING_MOST_OCTETS = 65536


class Uarts:
    """Lives in the host's thread."""

    def __init__(self, host: Host, numbers: tuple[int, ...]) -> None:
        self.rings = {number: InputPipe(_RING_OCTETS) for number in numbers}
        self.lines = {number: PtyLine(host, self._sink(number)) for number in numbers}
        self.powered = False

    def open(self, number: int, _baud: int, ring_octets: int) -> None:
        """The firmware makes a UART; one without a cable is no different to it."""
        if number in self.rings:
            self.rings[number].limit = min(ring_octets, _RING_MOST_OCTETS)

    def waiting(self, number: int) -> int:
        """How many octets wait to be read."""
        return self.rings[number].waiting() if number in self.rings else 0

    def off(self) -> None:
        """What was received and not read is gone."""
        self.powered = False
        for ring in self.rings.values():
            ring.take_back()

    def close(self) -> None:
        for line in self.lines.values():
            line.unplug()
        for ring in self.rings.values():
            ring.close()

    def _sink(self, number: int) -> Callable[[bytes], None]:
        def sink(octets: bytes) -> None:
            if self.powered:
                self.rings[number].put(octets)

        return sink
