"""What an installation has to do on this board, found before anything is written."""

from __future__ import annotations

import json
from dataclasses import dataclass

from provisioning.application import MAIN, Application, sha256
from provisioning.board_scripts import NEXT, PLAN, SWITCH, SWITCH_TEXT
from provisioning.board_state import SETTINGS, Space, Unfit

# Blocks that must stay free. LittleFS copies on write, and moving things about must never fail for
# want of one: each folder's metadata is a pair of blocks, and each may be written anew.
SPARE_BLOCKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`copy`: path below /next -> octets, in the order of writing. `keep`: right already."""

    copy: dict[str, bytes]
    move: tuple[str, ...]
    remove: tuple[str, ...]
    keep: tuple[str, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """Every folder that `copy` needs, parents first."""
        found: set[str] = set()
        for path in self.copy:
            parts = path.split("/")
            found |= {"/".join(parts[:at]) for at in range(2, len(parts))}
        return tuple(sorted(found))


def make(application: Application, slot: str, on_board: dict[str, str]) -> Plan:
    """What brings a board with the files `on_board` (path -> SHA-256) to `application` in that slot.

    The other slot is left alone: nothing in it is on trial any more, and it is there should this one break.
    """
    files = application.in_slot(slot)
    hashes = {path: sha256(octets) for path, octets in files.items()}
    keep = tuple(sorted(path for path in hashes if on_board.get(path) == hashes[path]))
    ours = set(on_board) - {SETTINGS}
    remove = tuple(sorted(ours - set(hashes)))
    changed = set(hashes) - set(keep)
    if not changed and not remove:
        return Plan(copy={}, move=(), remove=(), keep=keep)
    # The switch stands where main.py stood, so main.py is always among what is copied.
    move = tuple(sorted(changed - {MAIN}))
    document = json.dumps({"move": move, "remove": remove}).encode()
    copy = {NEXT + path: files[path] for path in (*move, MAIN)}
    return Plan(
        copy={**copy, PLAN: document, SWITCH: SWITCH_TEXT.encode()},
        move=move,
        remove=remove,
        keep=tuple(path for path in keep if path != MAIN),
    )


def require_space(plan: Plan, settings: bytes | None, space: Space) -> None:
    """Raise Unfit unless the board has room for a second application beside the first."""
    if not space.replaces:
        raise Unfit(
            "the board's file system cannot replace a file by renaming (FAT?), so a power cut could "
            "leave it without an application",
            "erase the flash and flash MicroPython again: it then makes LittleFS (docs/technician.md)",
        )
    pieces = [*plan.copy.values(), *([settings] if settings is not None else [])]
    needed = sum(-(-len(octets) // space.block) for octets in pieces) + SPARE_BLOCKS
    needed += 2 * 2 * len(plan.folders)  # a pair of blocks each, below /next and in its place
    if needed > space.free:
        raise Unfit(
            f"the flash is full: {needed * space.block // 1024} KiB are needed for a moment, "
            f"{space.free * space.block // 1024} KiB are free",
            "see what takes it: mpremote connect PORT tree -s :/ ; then mpremote connect PORT rm :/FILE",
        )
