"""The board asleep: RTC memory beside the launcher's share, the clock that goes on, deep sleep."""

import time

import machine

from firmware.launch import RTC_OCTETS
from wire.compat import const

MEMORY_MOST = const(2048)  # octets of RTC memory, with the launcher's share in front


def recall() -> bytes:
    """All of RTC memory; after a loss of power nothing, or anything."""
    return machine.RTC().memory()


def keep(octets: bytearray) -> None:
    """Keep this through deep sleep and every reset, but no loss of power.

    Its first RTC_OCTETS are the launcher's, and stay what they are in RTC memory.
    """
    head = machine.RTC().memory()[:RTC_OCTETS]
    octets[: len(head)] = head
    replace(octets)


def replace(octets: bytearray) -> None:
    """Keep this, which has the launcher's share as it is to be."""
    machine.RTC().memory(octets)


def rtc_us() -> int:
    """The RTC's microseconds, which go on over deep sleep: by an oscillator that is far off."""
    return time.time_ns() // 1000


def deep_sleep(ms: int) -> None:
    """Sleep; what ends it is a start. Does not return."""
    machine.deepsleep(ms)
