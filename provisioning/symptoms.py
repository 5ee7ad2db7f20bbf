"""What the octets of a port say about who is at its other end, when that is no MicroPython."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wire.framing import FRAME_LIMIT_UP, FrameReader

SHOWN_CHARACTERS = 60
FLASH = "flash MicroPython first (docs/technician.md, section 1)"
_LAST_ASCII = 0x7E
_MOSTLY = 0.3  # of the octets beyond: no text, or text at another speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """`message`: what is there. `next_step`: what helps."""

    message: str
    next_step: str


_PRESS = "press the board's EN (or RST) button and try once more"
_KNOWN: tuple[tuple[bytes, str, str], ...] = (
    (
        rb"[Ww]aiting for download|DOWNLOAD\(|DOWNLOAD_BOOT",
        "the board waits for a download of esptool",
        "let go of the BOOT button, press EN (or RST), try once more",
    ),
    (
        rb"filesystem appears to be corrupted",
        "MicroPython runs, but the board's file system is corrupt",
        "erase the flash and flash MicroPython again (docs/technician.md, section 1)",
    ),
    (
        rb"invalid header: 0x|flash read err|No bootable app",
        "the board starts, but there is no program on its flash",
        FLASH,
    ),
    (
        rb"Brownout detector",
        "the board resets because its supply voltage drops",
        "another cable, another USB socket, a supply that gives 500 mA",
    ),
    (
        rb"Guru Meditation|(rst:0x[0-9a-f]+.*?){3}",
        "the board resets over and over",
        "erase the flash and flash MicroPython again (docs/technician.md, section 1)",
    ),
    (
        rb"CircuitPython",
        "the board runs CircuitPython",
        FLASH,
    ),
    (
        rb"\$G[NPLABQ][A-Z]{3},",
        "a GPS receiver talks here, not a board",
        "choose another port: ls -l /dev/serial/by-id",
    ),
    (
        rb">>> ",
        "MicroPython answers, but does not enter its raw REPL",
        _PRESS,
    ),
    (
        rb"ets [A-Z][a-z]{2} |ESP-ROM:|rst:0x",
        "an ESP32 starts, but no MicroPython answers",
        FLASH,
    ),
)


def diagnose(heard: bytes) -> Diagnosis:
    """The likeliest reason why `heard`, the newest octets of a port, has no prompt in it."""
    if not heard:
        return Diagnosis(
            message="silence: nothing at all came from it",
            next_step=(
                "is it the right port, is the cable one for data? Press the board's EN (or RST) "
                "button and try once more; if it stays silent, flash MicroPython (docs/technician.md)"
            ),
        )
    for pattern, message, next_step in _KNOWN:
        if re.search(pattern, heard, re.DOTALL):
            return Diagnosis(message=message, next_step=next_step)
    if FrameReader(FRAME_LIMIT_UP).feed(heard):
        return Diagnosis(
            message="a fieldgate node talks here, but Ctrl-C does not reach it",
            next_step=f"is this the UART of its link, not its console? Otherwise {_PRESS}",
        )
    if sum(octet > _LAST_ASCII for octet in heard) > _MOSTLY * len(heard):
        return Diagnosis(
            message=f"something talks here that is no text at 115200 baud: {heard[-24:].hex(' ')}",
            next_step="choose another port: ls -l /dev/serial/by-id",
        )
    return Diagnosis(
        message=f"something else talks here: {last_line(heard)!r}",
        next_step=f"choose another port (ls -l /dev/serial/by-id); if it is the board, {_PRESS}",
    )


def last_line(text: bytes) -> str:
    """The last line with something in it, fit for a terminal."""
    lines = [line for line in re.split(rb"[\r\n]+", text) if line.strip()]
    return shown(lines[-1].decode("ascii", errors="replace")) if lines else ""


def shown(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """A peer's text, fit for a terminal: printable and short."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= limit else printable[: limit - 3] + "..."
