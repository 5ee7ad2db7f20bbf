"""An ADS1220 at the level of its commands, with a bridge behind it (DS: TI SBAS501).

Not modelled: the current sources for sensors, the temperature sensor, duty-cycle and turbo mode, DRDY
on DOUT, inputs against AVSS.
"""

from collections.abc import Callable
from copy import copy
from random import Random
from typing import Literal

from hil_tests.chips.world import Clock, Load

_CLOCKS = (204_850, 91_218, 46_226, 23_762, 12_562, 6_994, 4_242)  # of a single shot by rate, DS table 11
_CLOCK_HZ = 4.096e6
_INTERNAL_V = 2.048
_BURN_OUT_A = 10e-6
_PAIRS = ("01", "02", "03", "12", "13", "23")
_EXCITATION_4, _SHORTED = 12, 14  # of the multiplexer's codes
_MONITORS = (12, 13)  # of a reference, of the supply
_CODE_LEAST, _CODE_MOST = -0x800000, 0x7FFFFF
_RAIL_V = 0.2  # that the amplifier leaves to each rail, DS 8.3.2


class ADS1220Chip:
    """One chip whose bridge carries `load`, on a `clock` in microseconds.

    The bridge is on the inputs `pair` and gives zero_mv_v + kilograms * mv_v_per_kg of its excitation,
    which is REFP0/REFN0, too. It has `ohms`, and `farads` over the inputs. The chip has a supply of
    `supply_v`, 0.2 V of which its amplifier leaves to each rail; it adds `offset_uv` and noise of `noise_uv`.
    `on_sample` callbacks get a copy of the load of every conversion of the bridge without a test current,
    when it begins.

    Switches for tests: `missing` ("high" or "low": there is no chip, and the data line is pulled), `frozen`
    (a conversion never ends), `broken` (even shorted inputs read a lot), `open_lead` (an input of the bridge
    that hangs in the air, at `floating_uv`, or its excitation), `deaf_registers`, `brown_out()`.
    """

    mode = 1

    def __init__(
        self,
        load: Load,
        clock: Clock,
        *,
        pair: str = "01",
        mv_v_per_kg: float = 0.01,
        zero_mv_v: float = 0.05,
        excitation_v: float = 3.3,
        supply_v: float = 3.3,
        ohms: float = 350.0,
        farads: float = 0.0,
        offset_uv: float = 4.0,
        noise_uv: float = 0.1,
        oscillator: float = 0.99,
        seed: int = 0,
    ) -> None:
        self.load = load
        self.mv_v_per_kg = mv_v_per_kg
        self.zero_mv_v = zero_mv_v
        self.excitation_v = excitation_v
        self.supply_v = supply_v
        self.ohms = ohms
        self.farads = farads
        self.offset_uv = offset_uv
        self.noise_uv = noise_uv
        self.missing: Literal["", "high", "low"] = ""
        self.frozen = False
        self.broken = False
        self.open_lead: Literal["", "positive", "negative", "excitation"] = ""
        self.floating_uv = 7_000.0
        self.deaf_registers = 0
        """Bits of every register that cannot be set."""
        self._pair = _PAIRS.index(pair)
        self._oscillator = oscillator
        self._clock = clock
        self._random = Random(seed)
        self._callbacks: list[Callable[[Load], None]] = []
        self._registers = bytearray(4)
        self.brown_out()

    def on_sample(self, callback: Callable[[Load], None]) -> None:
        """Have `callback` told the load of every conversion, when it begins."""
        self._callbacks.append(callback)

    def brown_out(self) -> None:
        """Lose the supply for a moment: all registers as after power-on, nobody is told."""
        self._registers[:] = bytes(4)
        self._code = 0
        self._due_us: int | None = None  # when the conversion that runs will be over
        self._result = 0
        self._unread = False
        self.deselect()

    def drdy(self) -> int:
        """The level of the DRDY pin: low when a conversion waits."""
        self._live()
        return int(not self._unread or bool(self.missing))

    def select(self) -> None:
        """CS falls: a command begins."""
        self._out = b""
        self._writing: list[int] = []

    def deselect(self) -> None:
        """CS rises: whatever was begun is over."""
        self.select()

    def transfer(self, data: bytes) -> bytes:
        """As many octets as came in: what was asked for by the octets before."""
        if self.missing:
            return bytes((0xFF if self.missing == "high" else 0,)) * len(data)
        return bytes(self._exchange(octet) for octet in data)

    def _exchange(self, octet: int) -> int:
        self._live()
        said, self._out = (self._out[0], self._out[1:]) if self._out else (0, b"")
        if self._writing:
            self._store(self._writing.pop(0), octet)
        else:
            self._obey(octet)  # octets that only make room for an answer are no command
        return said

    def _obey(self, command: int) -> None:
        first, count = command >> 2 & 3, (command & 3) + 1
        if command & 0xFE == 0x06:
            self.brown_out()
        elif command & 0xFE == 0x08:
            self._begin()
        elif command & 0xF0 == 0x10:
            self._out = self._code.to_bytes(3, "big")
            self._unread = False
        elif command & 0xF0 == 0x20:
            self._out = bytes(self._registers[first : first + count])
        elif command & 0xF0 == 0x40:
            self._writing = list(range(first, min(4, first + count)))

    def _store(self, register: int, octet: int) -> None:
        self._registers[register] = octet & ~self.deaf_registers & 0xFF
        if self._due_us is not None:
            self._begin()  # a conversion that runs starts again

    def _begin(self) -> None:
        self._unread = False
        clocks = _CLOCKS[min(self._registers[1] >> 5, 6)]
        self._due_us = self._clock() + round(clocks / (_CLOCK_HZ * self._oscillator) * 1e6)
        load = copy(self.load)
        self._result = self._convert(load)
        if self._registers[0] >> 4 == self._pair and not self._registers[1] & 1:
            for callback in self._callbacks:
                callback(load)

    def _live(self) -> None:
        if self._due_us is None or self._clock() < self._due_us or self.frozen:
            return
        self._due_us = None
        self._code = self._result & 0xFFFFFF
        self._unread = True
        if self._registers[1] & 4:
            self._begin()
            self._unread = True

    def _convert(self, load: Load) -> int:
        mux = self._registers[0] >> 4
        gain = 1 if mux >= _EXCITATION_4 and mux != _SHORTED else 1 << (self._registers[0] >> 1 & 7)
        external = self._registers[2] >> 6 == 1 and mux not in _MONITORS  # which have the internal one
        reference = self._excitation() if external else _INTERNAL_V
        volts = self._input(mux, load) + (self.offset_uv + self._random.gauss(0, 1) * self.noise_uv) * 1e-6
        if self.broken:
            volts += 0.01
        amplified = volts * gain
        if mux < _EXCITATION_4 or mux == _SHORTED:
            swing = self.supply_v - 2 * _RAIL_V
            amplified = max(-swing, min(swing, amplified))
        share = amplified / reference if reference > 0.01 else 1.0 if volts > 0 else -1.0
        return max(_CODE_LEAST, min(_CODE_MOST, round(share * 0x800000)))

    def _charged(self) -> float:
        """What an open input has on average of a conversion that begins with the test current."""
        most = self.supply_v / 2
        if not self.farads:
            return most
        seconds = _CLOCKS[min(self._registers[1] >> 5, 6)] / _CLOCK_HZ
        full = most * self.farads / _BURN_OUT_A  # s until it is there
        if full >= seconds:
            return most * seconds / full / 2
        return most * (1 - full / seconds / 2)

    def _excitation(self) -> float:
        return 0.0 if self.open_lead == "excitation" else self.excitation_v

    def _input(self, mux: int, load: Load) -> float:
        if mux == _SHORTED:
            return 0.0
        if mux == _EXCITATION_4:
            # Of the pair that VREF selects, and the bridge is on the first (DS 8.3.11).
            return self._excitation() / 4 if self._registers[2] >> 6 == 1 else 0.0
        burn_out = bool(self._registers[1] & 1)
        if mux != self._pair or self.open_lead in {"positive", "negative"}:
            return self._charged() if burn_out else self.floating_uv * 1e-6
        bridge = (self.zero_mv_v + load.kilograms * self.mv_v_per_kg) * 1e-3 * self._excitation()
        return bridge + (_BURN_OUT_A * self.ohms if burn_out else 0.0)
