"""What a running node asks of its board. Only board.py, board_start.py and board_buses.py know `machine`."""

import os

import machine


def uid() -> bytes:
    """The chip's own number: on the ESP32 its MAC, 6 octets."""
    return machine.unique_id()


def reset_number() -> int:
    """Why the board started, as its chip counts: board_start.py has the words."""
    return machine.reset_cause()


def watchdog(timeout_ms: int) -> object:
    """What must be fed from now on, or the board resets; nothing stops it."""
    return machine.WDT(timeout=timeout_ms)


def every(period_ms: int, call) -> None:
    """Have `call(timer)` called between two instructions of whatever runs then; there is one of these."""
    machine.Timer(0).init(mode=machine.Timer.PERIODIC, period=period_ms, callback=call)


def reset() -> None:
    """Start again as after power-on, at once."""
    machine.reset()


def random_below(limit: int) -> int:
    """A random integer from 0 to limit - 1; `limit` far below 2^24."""
    return int.from_bytes(os.urandom(3), "big") % limit
