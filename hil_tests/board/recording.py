"""What was done to one board's flash, for power cuts at every operation of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from hil_tests.board.child import flash_log
from hil_tests.board.child.flash_log import Image


class Recording:
    """Lies beside the flash image: `base`, as the flash was at first, and `log`, what was done since."""

    def __init__(self, image: Path) -> None:
        self.log = image.with_suffix(".log")
        self._image = image
        self.base = image.with_suffix(".base")
        shutil.copyfile(image, self.base)
        self.log.write_bytes(b"")

    @property
    def position(self) -> int:
        """The log's length: see Image.position."""
        return self.log.stat().st_size

    def images(self) -> Iterator[Image]:
        """See flash_log.images."""
        base = bytearray(self.base.read_bytes())
        found: Iterator[Image] = flash_log.images(base, self.log.read_bytes())
        return found

    def mend(self) -> None:
        """What was begun when the power went is carried out, or is not in the log: they agree again."""
        found = list(flash_log.operations(self.log.read_bytes()))
        if not found:
            self.log.write_bytes(b"")
            return
        _, kind, block, offset, program, end = found[-1]
        with self.log.open("r+b") as log:
            log.truncate(end)
        with self._image.open("r+b") as image:
            image.seek(block * flash_log.BLOCK_OCTETS + offset)
            if kind == flash_log.ERASE:
                image.write(b"\xff" * flash_log.BLOCK_OCTETS)
            elif kind == flash_log.PROGRAM:
                image.write(program)
