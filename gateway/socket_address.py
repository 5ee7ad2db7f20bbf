"""The address of a Unix socket whose path may be longer than an address can be."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS_OCTETS = 107  # unix(7): sun_path holds 108 with the zero at its end


@contextlib.contextmanager
def address_of(path: Path) -> Iterator[str]:
    """What to bind or connect to for the socket at `path`, valid inside the block. Raises OSError.

    Where the path is too long, its folder is named by a descriptor that is open for so long.
    """
    if len(os.fsencode(path)) <= ADDRESS_OCTETS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
