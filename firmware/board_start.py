"""What only the start asks of its board."""

import sys

from firmware import board

# By the numbers of an ESP32. 1 is brown-out and the EN button, too; 2 is machine.reset() and a panic.
_RESET_CAUSES = ("unknown", "power_on", "hard", "watchdog", "deep_sleep", "soft")


def name() -> str:
    """What the firmware image calls this board."""
    return getattr(sys.implementation, "_machine", sys.platform)


def reset_cause() -> str:
    """Why the board started: power_on, hard, watchdog, deep_sleep, soft or unknown."""
    number = board.reset_number()
    return _RESET_CAUSES[number if number < len(_RESET_CAUSES) else 0]
