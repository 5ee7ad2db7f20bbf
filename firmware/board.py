"""The board: identity, reset cause, ticks, ports. `machine` is known here and in board_buses.py only."""

import os
import sys
import time

import machine

TICKS_MOST = time.ticks_add(0, -1)  # the largest value of ticks_us
_RESET_CAUSES = {
    machine.PWRON_RESET: "power_on",  # brown-out and the EN button, too
    machine.HARD_RESET: "hard",  # machine.reset() and a panic
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep_sleep",
    machine.SOFT_RESET: "soft",
}


def uid() -> bytes:
    """The chip's own number: on the ESP32 its MAC, 6 octets."""
    return machine.unique_id()


def name() -> str:
    """What the firmware image calls this board."""
    return getattr(sys.implementation, "_machine", sys.platform)


def reset_cause() -> str:
    """Why the board started: power_on, hard, watchdog, deep_sleep, soft or unknown."""
    return _RESET_CAUSES.get(machine.reset_cause(), "unknown")


def watchdog(timeout_ms: int) -> object:
    """What must be fed from now on, or the board resets; nothing stops it."""
    return machine.WDT(timeout=timeout_ms)


def every(period_ms: int, call) -> None:
    """Have `call(timer)` called between two instructions of whatever runs then; there is one of these."""
    machine.Timer(0).init(mode=machine.Timer.PERIODIC, period=period_ms, callback=call)


def reset() -> None:
    """Start again as after power-on, at once."""
    machine.reset()


def ticks_us() -> int:
    """Microseconds, 0 to TICKS_MOST, then 0 again."""
    return time.ticks_us()


def random_octets(count: int) -> bytes:
    """Random octets of the chip's generator."""
    return os.urandom(count)


def random_below(limit: int) -> int:
    """A random integer from 0 to limit - 1; `limit` far below 2^24."""
    return int.from_bytes(os.urandom(3), "big") % limit


class Interrupts:
    """Keeps interrupts away for some microseconds: `enable` takes what `disable` gave."""

    def __init__(self) -> None:
        self.disable = machine.disable_irq
        self.enable = machine.enable_irq


def console() -> "tuple[object, object]":
    """The console's octets: (to read, to write), no end-of-line translation."""
    return sys.stdin.buffer, sys.stdout.buffer
