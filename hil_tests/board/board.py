"""One emulated ESP32: power, cable, flash, and the world its chips measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from time import monotonic_ns
from typing import Literal, Self, TypeVar

from hil_tests.board.child.flash_log import Image
from hil_tests.board.console import Capture
from hil_tests.board.counters import Counters
from hil_tests.board.emulator import Emulator
from hil_tests.board.flash import Flash
from hil_tests.board.host import BoardHost, Host
from hil_tests.board.model import Model
from hil_tests.board.recording import Recording
from hil_tests.board.surroundings import Surroundings
from hil_tests.board.virtual_time import VirtualTime
from hil_tests.board.wifi import AccessPoint
from hil_tests.board.wiring import (
    ChipAccess,
    Chips,
    I2cChip,
    OneWireChip,
    PinChip,
    SpiChip,
    Wiring,
)
from hil_tests.chips import Air, BME280Chip, HX711Chip, Load
from hil_tests.interpreters import micropython

T = TypeVar("T")
HEAP_OCTETS = 111_936  # what an ESP32 without PSRAM has after its heap grew once
UID_OCTETS = 6
HX711_SLEEPS_AFTER_US = 60  # DS: power down control


class BoardInUse(RuntimeError):
    """The flash cannot be written while the board has power."""


class Board(Surroundings):
    """Give it a directory for its flash, `start` it, open `port`; `close` it, or use it with `with`.

    All methods may be called from any thread; only `wait_listening` waits for the board. `air` and `load` are
    what the chips measure; give `chips` and `pin_chip` for others than a BME280 at 0x76 and an
    HX711, and further `more_pin_chips` by (clock, data). `heap_octets` is what the firmware may use.
    `drift_ppm` is how much too fast its crystal is, `first_ticks_us` what ticks_us shows at a hard reset.
    With a `console_baud` a raw write to the console takes the firmware as long as on the wire; without, no
    time at all. `link` is a name that leads to `port` whenever the cable is in, and to nothing when it is
    not. With `time` the board lives in virtual time: it has no port; `type` to it and listen with
    `on_octets`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        uid: bytes = bytes.fromhex("240ac4000001"),
        name: str = "",
        wiring: Wiring | None = None,
        chips: Sequence[I2cChip] | None = None,
        pin_chip: PinChip | None = None,
        more_pin_chips: Mapping[tuple[int, int], PinChip] | None = None,
        spi_chips: Mapping[int, SpiChip] | None = None,
        one_wire_chips: Sequence[OneWireChip] = (),
        outputs: Mapping[int, Callable[[], int]] | None = None,
        heap_octets: int = HEAP_OCTETS,
        kind: Literal["32-bit", "native"] = "32-bit",
        drift_ppm: int = 0,
        first_ticks_us: int = 0,
        console_baud: int | None = None,
        link: Path | None = None,
        time: VirtualTime | None = None,
        access_point: AccessPoint | None = None,
    ) -> None:
        if len(uid) != UID_OCTETS:
            raise ValueError(f"uid has {len(uid)} octets, not {UID_OCTETS}")
        self.uid = uid
        self.name = name or uid.hex()
        clock_us = time.monotonic_us if time else _clock_us
        self._time = time
        self.air = Air()
        self.load = Load()
        self.bme280 = BME280Chip(self.air, clock_us)
        # How long a pulse is, only virtual time knows: a PC may stop the node within one.
        sleeps_after_us = HX711_SLEEPS_AFTER_US if time else None
        seed = int.from_bytes(uid, "big")
        self.hx711 = HX711Chip(self.load, clock_us, seed=seed, sleeps_after_us=sleeps_after_us)
        self._flash = Flash(directory)
        self._nvs_path = directory / "nvs.json"
        self._counters = Counters()
        self._model = Model(
            uid=uid,
            program=micropython(kind),
            heap_octets=heap_octets,
            wiring=wiring or Wiring(),
            chips=Chips(
                i2c=[self.bme280] if chips is None else chips,
                pin=pin_chip or self.hx711,
                more_pin=more_pin_chips or {},
                spi=spi_chips or {},
                one_wire=one_wire_chips,
                outputs=outputs or {},
            ),
            drift_ppm=drift_ppm,
            first_ticks_us=first_ticks_us,
            console_baud=console_baud,
            link=link,
            access_point=access_point,
        )
        self.access_point = access_point
        self._capture: Capture | None = None
        self._host: Host | None = None
        self._emulator: Emulator | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Power

    def start(self) -> None:
        """Plug the cable in and switch the power on: a boot after power-on."""

        def start(board: Emulator) -> None:
            self._plug_all(board)
            board.power_on()

        self._run(start)

    def wait_listening(self, timeout_s: float = 10.0) -> None:
        """Wait until boot.py is about to run: what is typed before that is lost. Raises TimeoutError."""
        listening = self._run(lambda board: board.console.listening)
        if self._time is not None:
            self._time.run_until(listening.is_set, timeout_s)
        elif not listening.wait(timeout_s):
            raise TimeoutError(f"{self.name}: not started after {timeout_s:.1f} s")

    def kill(self) -> None:
        """Cut the power at this very moment. The cable stays; `start` brings the board back."""
        self._run(Emulator.power_off)

    def power_cut(self) -> None:
        """Cut the power and bring it back at once."""

        def cut(board: Emulator) -> None:
            board.power_off()
            board.power_on()

        self._run(cut)

    def reset(self) -> None:
        """Press the EN button: to the chip it is a power-on, and the RTC forgets everything."""
        self._run(Emulator.press_enable)

    def brown_out(self) -> None:
        """The supply dips: a reset as after power-on, after which RTC memory may hold anything."""
        self._run(Emulator.brown_out)

    def stop(self) -> None:
        """Switch off and take the cable out. `start` begins anew, on another port perhaps."""
        if self._emulator is not None and self._host is not None:
            board, host = self._emulator, self._host
            self._emulator = self._host = None
            try:
                host.run(board.close)
            finally:
                if self._time is None:
                    BoardHost.release()

    close = stop

    # Cable

    @property
    def port(self) -> str:
        """The path to open, /dev/pts/N; the last one while the cable is out."""
        return self._run(lambda board: board.console.line.path)

    def uart_port(self, number: int) -> str:
        """The path of UART 1 or 2, when the wiring gives it a cable."""
        return self._run(lambda board: board.uarts.lines[number].path)

    def unplug(self) -> None:
        """Take the cables out: whoever has them open is hung up. The board runs on."""

        def unplug(board: Emulator) -> None:
            for line in (board.console.line, *board.uarts.lines.values()):
                line.unplug()

        self._run(unplug)

    def plug(self, *, link: Path | None = None) -> None:
        """Put the cables in again, under a new name as likely as not; `link` replaces the old one."""

        def plug(board: Emulator) -> None:
            board.console.line.link = link or board.console.line.link
            self._plug_all(board)

        self._run(plug)

    def type(self, octets: bytes) -> None:
        """Octets come down the console's cable, as if typed."""
        self._run(lambda board: board.console.hear(octets))

    def on_octets(self, capture: Capture | None) -> None:
        """Have `capture(direction, octets, boottime_ns)` called for all that passes the console.

        `direction` is "up" from the board and "down" to it. Called in the boards' thread.
        """
        self._capture = capture
        self._run(lambda board: setattr(board.console, "capture", capture))

    # Flash

    def install(self, files: Mapping[str, bytes]) -> None:
        """Write files at absolute paths. Raises BoardInUse while it has power, FlashFault."""
        self._unpowered().install(files)

    def read_file(self, path: str) -> bytes:
        """A file's octets as they are on the flash now. Raises NoSuchFile, FlashFault."""
        return self._flash.read(path)

    def write_flash(self, octets: bytes) -> None:
        """Replace the whole flash, such as by Image.octets(). Raises BoardInUse, FlashFault."""
        self._unpowered().write(octets)

    def record_flash(self) -> None:
        """From now on record what is done to the flash, by `install`, too. Raises BoardInUse."""
        self._unpowered().record()

    @property
    def flash_position(self) -> int:
        """How much of the recording there is: compare with Image.position. May be read in hooks."""
        return self._flash.recording.position

    @property
    def flash_recording(self) -> Recording:
        """Its files. Raises FlashFault without `record_flash`."""
        return self._flash.recording

    def flash_images(self) -> Iterator[Image]:
        """What a power cut at any operation since `record_flash` could have left (flash_log.images)."""
        return self._flash.recording.images()

    def _unpowered(self) -> Flash:
        if self._emulator is not None and self._run(lambda board: board.pid) is not None:
            raise BoardInUse(self.name)
        return self._flash

    # World

    @property
    def counters(self) -> Counters:
        """A copy of what was counted so far, over all starts."""

        def read(board: Emulator) -> Counters:
            self._counters.dropped_up = board.console.line.dropped
            return deepcopy(self._counters)

        return self._run(read) if self._emulator is not None else deepcopy(self._counters)

    @property
    def accesses(self) -> list[ChipAccess]:
        """Who talked to a chip when: the truth about the time of a sample. The last 20 000."""
        return self._run(lambda board: list(board.chips.accesses))

    @property
    def pid(self) -> int | None:
        """The process that runs the firmware now; None without power."""
        return self._run(lambda board: board.pid)

    def _run(self, call: Callable[[Emulator], T]) -> T:
        board, host = self._emulator, self._host
        if board is None or host is None:
            host = self._host = self._time or BoardHost.acquire()
            made = host.run(lambda: Emulator(host, self._model, self._flash, self._nvs_path, self._counters))
            made.console.capture = self._capture
            board = self._emulator = made
        return host.run(lambda: call(board))

    def _plug_all(self, board: Emulator) -> None:
        if self._time is not None:
            return  # a pty is for people and programs, whose time is real
        for line in (board.console.line, *board.uarts.lines.values()):
            line.plug()


def _clock_us() -> int:
    return monotonic_ns() // 1000
