"""A store whose file is damaged is set aside, whole, so that the gateway can go on with a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "quarantine"  # in the state directory; one numbered folder for each damaged store
QUARANTINED = "quarantined"  # the condition's state
DAMAGED = "damaged"  # the condition's state for single records
ROWS = f"{FOLDER}/rows.jsonl"  # damaged records, as they were
FILES = ("store.db", "store.db-wal", "store.db-shm")  # what belongs together


def set_aside(directory: Path) -> Path:
    """Move the store's files of a state directory out of the way. Gives where. Raises OSError.

    Nothing is deleted: what can be read of them may be salvaged later.
    """
    root = directory / FOLDER
    root.mkdir(mode=0o750, exist_ok=True)
    numbers = [int(each.name) for each in kept(directory)]
    place = root / str(max(numbers, default=0) + 1)
    place.mkdir(mode=0o750)
    # The database last: as long as it is there, the next start finds it damaged and goes on from here.
    for name in reversed(FILES):
        if (directory / name).exists():
            (directory / name).rename(place / name)
    return place


def kept(directory: Path) -> list[Path]:
    """The stores that were set aside and are still there, the oldest first."""
    root = directory / FOLDER
    if not root.is_dir():
        return []
    return sorted((each for each in root.iterdir() if each.name.isdecimal()), key=lambda each: int(each.name))
