"""What only the start asks of its board."""

import sys

import machine

_RESET_CAUSES = {
    machine.PWRON_RESET: "power_on",  # brown-out and the EN button, too
    machine.HARD_RESET: "hard",  # machine.reset() and a panic
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep_sleep",
    machine.SOFT_RESET: "soft",
}


def name() -> str:
    """What the firmware image calls this board."""
    return getattr(sys.implementation, "_machine", sys.platform)


def reset_cause() -> str:
    """Why the board started: power_on, hard, watchdog, deep_sleep, soft or unknown."""
    return _RESET_CAUSES.get(machine.reset_cause(), "unknown")
