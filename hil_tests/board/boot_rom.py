"""What stands in front of the firmware: why the board started, and what its ROM says about it."""

from __future__ import annotations

from enum import IntEnum

MACHINE = "Generic ESP32 module with ESP32"
BANNER = f'MicroPython v1.25.0 on 2025-04-15; {MACHINE}\r\nType "help()" for more information.\r\n'.encode()


class Cause(IntEnum):
    """What machine.reset_cause() says."""

    POWER_ON = 1
    HARD = 2
    WATCHDOG = 3
    DEEP_SLEEP = 4
    SOFT = 5


_ROM_CAUSE = {
    Cause.POWER_ON: "0x1 (POWERON_RESET)",
    Cause.HARD: "0xc (SW_CPU_RESET)",
    Cause.WATCHDOG: "0xc (SW_CPU_RESET)",
    Cause.DEEP_SLEEP: "0x5 (DEEPSLEEP_RESET)",
}


_GREETING = "ets Jul 29 2019 12:21:46\n\n"
DOWNLOAD = b"waiting for download\n"


def rom_text(cause: Cause) -> bytes:
    """What the boot ROM says before anything of ours runs."""
    return (
        f"{_GREETING}rst:{_ROM_CAUSE[cause]},boot:0x13 (SPI_FAST_FLASH_BOOT)\n"
        "configsip: 0, SPIWP:0xee\nmode:DIO, clock div:2\nload:0x3fff0030,len:4728\nentry 0x400805c0\n"
    ).encode()


def download_text() -> bytes:
    """What it says instead where BOOT is held while EN is let go."""
    mode = "0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))"
    return f"{_GREETING}rst:{_ROM_CAUSE[Cause.POWER_ON]},boot:{mode}\n".encode() + DOWNLOAD
