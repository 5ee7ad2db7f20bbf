"""What a board says about itself and its flash."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning import board_scripts
from provisioning.board_link import BoardLink, LinkConfused
from provisioning.symptoms import FLASH, shown

OLDEST_VERSION = (1, 22, 0)
MPY_VERSION = 6  # the bytecode's, major: what mpy-cross writes and 1.19 and newer read
SETTINGS = "/settings.json"


class Unfit(Exception):
    """The board cannot take the application: the message says why, `next_step` what helps."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardState:
    """`files`: path -> SHA-256 in hex, of the paths that belong to the application or its settings.

    `slot` has the application in force. `switching`: an installation was cut short after its switch and
    must be carried on.
    """

    name: str
    version: tuple[int, ...]
    mpy: int
    board: str
    root: tuple[str, ...]
    files: dict[str, str]
    switching: bool
    slot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Of the flash's file system: octets per block, free blocks, and whether a rename replaces."""

    block: int
    free: int
    replaces: bool


def inspect(link: BoardLink) -> BoardState:
    """Ask the board. Raises LinkConfused and what the link does."""
    answer = link.ask(board_scripts.INSPECT, slow=True)
    try:
        match answer:
            case {
                "name": str(name),
                "version": tuple(version),
                "mpy": int(mpy),
                "board": str(board),
                "root": list(root),
                "files": dict(files),
                "switching": bool(switching),
                "slot": str(slot),
            }:
                return BoardState(
                    name=shown(name),
                    version=tuple(int(number) for number in version),
                    mpy=mpy,
                    board=shown(board),
                    root=tuple(str(entry) for entry in root),
                    files={str(path): str(digest) for path, digest in files.items()},
                    switching=switching,
                    slot=slot,
                )
    except (TypeError, ValueError):
        pass
    raise LinkConfused(f"said about itself {str(answer)[:80]!r}")


def clear(link: BoardLink) -> Space:
    """Remove what an installation that was cut short before its switch has left; what is free then."""
    match link.ask(board_scripts.CLEAR, slow=True):
        case {"block": int(block), "free": int(free), "replaces": bool(replaces)} if block > 0:
            return Space(block=block, free=free, replaces=replaces)
        case answer:
            raise LinkConfused(f"said about its space {str(answer)[:80]!r}")


def require_fit(state: BoardState) -> None:
    """Raise Unfit unless the board can run the application."""
    version = ".".join(map(str, state.version))
    if state.name != "micropython":
        raise Unfit(f"the board runs {state.name} {version}, not MicroPython", FLASH)
    if state.version < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION[:2]))
        raise Unfit(f"the board runs MicroPython {version}; {oldest} is the oldest that will do", FLASH)
    if state.mpy != MPY_VERSION:
        raise Unfit(
            f"this MicroPython {version} reads bytecode {state.mpy}, not {MPY_VERSION}: "
            "it was built without .mpy files or for other ones",
            "flash a MicroPython from its own download page (docs/technician.md, section 1)",
        )
    for entry in state.root:
        # MicroPython looks for a folder first, then for a .py, then for a .mpy.
        if entry in {"launch", "launch.py"}:
            raise Unfit(
                f"/{entry} on the board would be taken in place of /launch.mpy",
                f"is it yours? Copy it away, then: mpremote connect PORT rm -r :/{entry}",
            )
