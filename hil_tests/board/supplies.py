"""Which chips have their supply."""

from __future__ import annotations

from hil_tests.board.wiring import Supplied


class Supplies:
    """All of them have, until it is cut."""

    def __init__(self) -> None:
        self._cut: set[int] = set()

    def cut(self, chip: Supplied) -> None:
        """It answers nothing from now on."""
        self._cut.add(id(chip))

    def restore(self, chip: Supplied) -> None:
        """It begins anew."""
        self._cut.discard(id(chip))
        chip.brown_out()

    def reach(self, chip: object) -> bool:
        """Whether it can answer."""
        return id(chip) not in self._cut
