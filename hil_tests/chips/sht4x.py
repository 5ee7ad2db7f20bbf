"""An SHT4x at the level of its commands (DS: Sensirion SHT4x, version 6). Heater: not modelled."""

from collections.abc import Callable
from copy import copy
from random import Random

from hil_tests.chips.nack import Nack
from hil_tests.chips.world import Air, Clock

_MEASURE_US = {0xFD: 6900, 0xF6: 3700, 0xE0: 1300}  # typical, DS table 5
_SERIAL, _SOFT_RESET = 0x89, 0x94
_START_US = 300  # after power-on or a soft reset, typical
_NOISE = {0xFD: (0.013, 0.027), 0xF6: (0.023, 0.05), 0xE0: (0.033, 0.083)}  # a third of DS's three sigma
_END = 0xFFFF


def check(word: bytes) -> bytes:
    """CRC-8 by long division: the first octet inverted, by x^8 + x^5 + x^4 + 1 (DS 4.4)."""
    rest = (int.from_bytes(word, "big") ^ 0xFF00) << 8
    for bit in range(23, 7, -1):
        if rest >> bit & 1:
            rest ^= 0x131 << bit - 8
    return bytes((rest,))


class SHT4xChip:
    """One chip that measures `air` on a `clock` in microseconds.

    A conversion takes the air as it is when it begins, with the datasheet's noise times `noise`, and
    acknowledges nothing until it is over; its result can be read once. `on_sample` callbacks get a
    copy of the air of every conversion.

    Switches for tests: `nacks` (answers nothing), `flipped` (this bit of every answer arrives wrong),
    `damaged` (as after a discharge: both words read 0x8000), `frozen` (every conversion gives what the
    last one gave), `mute` (acknowledges, but has nothing to say: another chip), `brown_out()`.
    """

    def __init__(
        self,
        air: Air,
        clock: Clock,
        *,
        address: int = 0x44,
        serial: int = 0x1234_5678,
        noise: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.address = address
        self.air = air
        self.nacks = False
        self.flipped: int | None = None
        self.damaged = False
        self.frozen = False
        self.mute = False
        self._serial = serial
        self._noise = noise
        self._random = Random(seed)
        self._clock = clock
        self._callbacks: list[Callable[[Air], None]] = []
        self._words = (0, 0)
        self.brown_out()

    def on_sample(self, callback: Callable[[Air], None]) -> None:
        """Have `callback` told the air of every conversion, when it begins."""
        self._callbacks.append(callback)

    def brown_out(self) -> None:
        """Lose the supply for a moment: what was converted is gone, nobody is told."""
        self._answer = b""
        self._busy_until_us = self._clock() + _START_US

    def write(self, data: bytes) -> None:
        if self.nacks:
            raise Nack
        if data == bytes((_SOFT_RESET,)):
            self.brown_out()  # heeded even in a conversion
            return
        self._acknowledge()
        if len(data) != 1:
            return
        if data[0] == _SERIAL:
            self._answer = _framed(self._serial >> 16, self._serial & 0xFFFF)
        elif data[0] in _MEASURE_US:
            self._measure(data[0])

    def read(self, n: int) -> bytes:
        self._acknowledge()
        if not self._answer or self.mute:
            raise Nack
        answer, self._answer = self._answer, b""
        if self.flipped is not None:
            answer = (int.from_bytes(answer, "big") ^ 1 << self.flipped).to_bytes(6, "big")
        return (answer + b"\xff" * n)[:n]

    def _acknowledge(self) -> None:
        if self.nacks or self._clock() < self._busy_until_us:
            raise Nack

    def _measure(self, command: int) -> None:
        self._busy_until_us = self._clock() + _MEASURE_US[command]
        air = copy(self.air)
        if not self.frozen:
            t_sigma, h_sigma = _NOISE[command]
            celsius = air.temperature + self._random.gauss(0, t_sigma) * self._noise
            percent = air.humidity + self._random.gauss(0, h_sigma) * self._noise
            self._words = (_code((celsius + 45) / 175), _code((percent + 6) / 125))
        self._answer = _framed(*((0x8000, 0x8000) if self.damaged else self._words))
        for callback in self._callbacks:
            callback(air)


def _code(share: float) -> int:
    return max(0, min(_END, round(share * _END)))


def _framed(*words: int) -> bytes:
    return b"".join(octets + check(octets) for octets in (word.to_bytes(2, "big") for word in words))
