"""The physical world that the chips measure; whoever holds these may change them at any time."""

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], int]  # microseconds, never going back


@dataclass(slots=True, kw_only=True)
class Air:
    """Temperature in degrees C, relative humidity in %RH, pressure in Pa."""

    temperature: float = 12.5
    humidity: float = 60.0
    pressure: float = 100_800.0


@dataclass(slots=True, kw_only=True)
class Load:
    """What hangs on the bridge."""

    kilograms: float = 0.0
