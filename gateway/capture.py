"""Keeps the raw octets of every line: for debugging, and for independent decoders."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


class Capture:
    """One file per port and direction in a directory: `pts_3.up`, `pts_3.down`.

    Where the disk does not take it any more the capture ends, and nothing else.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._ended = False
        self._files: dict[str, BinaryIO] = {}

    def up(self, port: str, octets: bytes) -> None:
        """Octets that came from the node on `port`."""
        self._write(port, "up", octets)

    def down(self, port: str, octets: bytes) -> None:
        """Octets that went to the node on `port`."""
        self._write(port, "down", octets)

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _write(self, port: str, direction: str, octets: bytes) -> None:
        if self._ended:
            return
        try:
            self._append(port, direction, octets)
        except OSError as error:
            self._ended = True
            log.warning("capture: ended: %s", error)

    def _append(self, port: str, direction: str, octets: bytes) -> None:
        name = f"{file_name(port)}.{direction}"
        file = self._files.get(name)
        if file is None:
            # Unbuffered: a capture that stops with the process must not miss its end.
            file = self._files[name] = (self._directory / name).open("ab", buffering=0)
        file.write(octets)


def file_name(port: str) -> str:
    """A port as the name of a file: `ttyUSB0`, `pts_3`; outside of /dev the last part alone."""
    if port.startswith("/dev/"):
        return port.removeprefix("/dev/").replace("/", "_")
    return port.rpartition("/")[2]
