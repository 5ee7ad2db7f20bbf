"""What happened to a board, counted."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Counters:
    """Grows for the life of a Board, whatever is reset or cut meanwhile."""

    boots: Counter[str] = field(default_factory=Counter)
    """By cause: power_on, hard, watchdog, deep_sleep, soft."""
    octets_up: int = 0
    """Said by the board on its console, heard or not."""
    octets_down: int = 0
    """Arrived at the board's console."""
    dropped_up: int = 0
    """Said when nobody took it."""
    dropped_down: int = 0
    """Found the receive ring full, or the board off or starting."""
    interrupts: int = 0
    """Ctrl-C that a running program took."""
    killed_by_interrupt: int = 0
    """Programs that took no notice and were ended by force."""
    crashes: int = 0
    """Deaths of the interpreter itself."""
