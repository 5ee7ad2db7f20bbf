"""Whose the files of a state directory are."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def give_to_owner(directory: Path) -> None:
    """What root has made in a state directory is for whom the directory is for, and its agent can open it.

    Links are neither followed nor given away what they lead to. Raises OSError.
    """
    if os.geteuid() != 0:
        return
    owner = directory.stat()
    for _, folders, files, within in os.fwalk(directory, follow_symlinks=False):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                os.chown(name, owner.st_uid, owner.st_gid, dir_fd=within, follow_symlinks=False)
