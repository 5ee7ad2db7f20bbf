"""A store that is damaged is set aside, whole, so that the gateway can go on with a new one.

A folder's state is a file in it, so that a power cut at any moment leaves something that the next
start goes on with.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "quarantine"  # in the state directory; one numbered folder for each damaged store
SUBJECT = "store quarantine"  # of the condition
QUARANTINED = "quarantined"  # the condition's state
DAMAGED = "damaged"  # the condition's state for single records
SALVAGING = "salvaging"  # the condition's state while records are taken over
ROWS = f"{FOLDER}/rows.jsonl"  # damaged records, as they were
FILES = ("store.db", "store.db-wal", "store.db-shm")  # what belongs together
KEPT = 3  # salvaged stores; older ones go, for everything in them is delivered, or named as lost

_MOVING = "moving"  # some of the files are here already
_WAITING = "to-be-salvaged"
_DONE = "salvaged"


def set_aside(directory: Path) -> Path:
    """Move the store's files of a state directory out of the way. Gives where. Raises OSError."""
    place = _new_folder(directory)
    (place / _MOVING).touch()
    _sync(place)
    _sync(place.parent)
    _move(directory, place)
    return place


def finish_moving(directory: Path) -> None:
    """Go on where `set_aside` was interrupted. Raises OSError."""
    for place in kept(directory):
        if (place / _MOVING).exists():
            _move(directory, place)


def wait_again(directory: Path, folder: Path) -> None:
    """Have a damaged store taken over once more; one from elsewhere is copied. Raises OSError."""
    for place in kept(directory):
        if place.resolve() == folder.resolve():
            (place / _DONE).unlink(missing_ok=True)
            (place / _WAITING).touch()
            _sync(place)
            return
    place = _new_folder(directory)
    try:
        for name in FILES[:2]:
            if (folder / name).exists():
                shutil.copyfile(folder / name, place / name)
    except OSError:
        shutil.rmtree(place, ignore_errors=True)  # half of it is no damaged store, and fills the disk
        raise
    (place / _WAITING).touch()
    _sync(place)


def waiting(directory: Path) -> list[Path]:
    """The stores whose records are to be taken over, the oldest first."""
    return [place for place in kept(directory) if (place / _WAITING).exists()]


def done(place: Path) -> None:
    """All that could be read of it is taken over. Raises OSError."""
    (place / _WAITING).rename(place / _DONE)
    _sync(place)


def kept(directory: Path) -> list[Path]:
    """The stores that were set aside and are still there, the oldest first."""
    root = directory / FOLDER
    if not root.is_dir():
        return []
    return sorted((each for each in root.iterdir() if each.name.isdecimal()), key=lambda each: int(each.name))


def said(directory: Path) -> tuple[str, str] | None:
    """Which state the damaged stores of a directory are in, and what to say; None where there is none."""
    folders = kept(directory)
    if not folders:
        return None
    what = f"{len(folders)} damaged, the latest in {folders[-1]}"
    if waiting(directory):
        return SALVAGING, f"{what}; their records are being taken over"
    return QUARANTINED, f"{what}; what could be read is taken over, what could not is named as lost"


def drop_old(directory: Path) -> None:
    """Delete the oldest of more than KEPT that are salvaged, so that a dying disk fills slowly."""
    salvaged = [place for place in kept(directory) if (place / _DONE).exists()]
    for place in salvaged[:-KEPT]:
        for name in FILES:
            (place / name).unlink(missing_ok=True)


def _new_folder(directory: Path) -> Path:
    root = directory / FOLDER
    root.mkdir(mode=0o750, exist_ok=True)
    place = root / str(max((int(each.name) for each in kept(directory)), default=0) + 1)
    place.mkdir(mode=0o750)
    return place


def _move(directory: Path, place: Path) -> None:
    for name in FILES:
        if (directory / name).exists():
            (directory / name).rename(place / name)
    _sync(directory)
    (place / _MOVING).rename(place / _WAITING)
    _sync(place)


def _sync(directory: Path) -> None:
    """The names in a directory are on stable storage."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
