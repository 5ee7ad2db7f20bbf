"""What the kernel's device tree says of a serial port: who drives it, and how late its octets come."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SYS_CLASS_TTY = Path("/sys/class/tty")
FTDI_DRIVER = "ftdi_sio"
FTDI_DEFAULT_MS = 16  # of a timer that cannot be read; the chip's own and the driver's default
SHARP_LATENCY_MS = 1  # the shortest that the chip knows
# Behind these there is a line on which every octet takes its time, whatever is on its other end.
# Not cdc_acm: a chip with USB of its own sends whole packets and has no baud.
USB_UART_DRIVERS = frozenset({FTDI_DRIVER, "cp210x", "ch341-uart", "pl2303"})
UART_NAMES = ("ttyAMA", "ttyS")  # the Pi's own pins
OCTET_BITS = 10  # 8N1
SURE_SHARE = 0.95  # a UART works with a baud that is off by this much; the rest stays in the round trip


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialAdapter:
    """`latency_ms`: how long received octets may be kept, 0 where there is no such timer.

    `octet_ns`: the least that an octet is on the line, 0 where nothing is sure.
    """

    latency_ms: int = 0
    octet_ns: int = 0

    @property
    def sharp(self) -> bool:
        """False where the adapter keeps octets back for longer than it has to."""
        return self.latency_ms <= SHARP_LATENCY_MS


def adapter_of(path: str, baud: int, sys_class_tty: Path = SYS_CLASS_TTY) -> SerialAdapter:
    """The adapter behind an open port; a latency timer is set to the shortest where that is allowed."""
    name = Path(os.path.realpath(path)).name
    device = sys_class_tty / name / "device"
    driver = _driver(device)
    paced = driver in USB_UART_DRIVERS or (bool(driver) and name.startswith(UART_NAMES))
    return SerialAdapter(
        latency_ms=_shortened_ms(device / "latency_timer") if driver == FTDI_DRIVER else 0,
        octet_ns=int(OCTET_BITS * 1e9 / baud * SURE_SHARE) if paced else 0,
    )


def _driver(device: Path) -> str:
    try:
        return (device / "driver").readlink().name
    except OSError:  # a pty has none
        return ""


def _shortened_ms(timer: Path) -> int:
    """What the timer is, after an attempt to make it short. The service's sandbox denies that."""
    latency_ms = _read_ms(timer)
    if latency_ms > SHARP_LATENCY_MS:
        try:
            timer.write_text(f"{SHARP_LATENCY_MS}\n", "ascii")
        except OSError:
            return latency_ms
        latency_ms = _read_ms(timer)
    return latency_ms


def _read_ms(timer: Path) -> int:
    try:
        return max(0, int(timer.read_text("ascii")))
    except (OSError, ValueError):
        return FTDI_DEFAULT_MS
