"""A board's flash as a file: made, filled and read while no board uses it."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hil_tests.board.child import codes
from hil_tests.board.recording import Recording
from hil_tests.board.shim import shim_directory, what_is_in
from hil_tests.interpreters import micropython

FLASH_OCTETS = 2 * 1024 * 1024  # the vfs partition of a 4 MiB ESP32
_TOOL_HEAP = "2m"
_TOOL_S = 20.0


class FlashFault(RuntimeError):
    """The image, or a file in it, could not be written or read."""


class NoSuchFile(FlashFault):
    """There is no such file on it."""


class Flash:
    """A new one is blank: the first boot makes a file system on it, as an ESP32 does."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "flash.img"
        if not self.path.exists():
            directory.mkdir(parents=True, exist_ok=True)
            with self.path.open("wb") as image:
                image.truncate(FLASH_OCTETS)
        self._recording: Recording | None = None

    def record(self) -> None:
        """From now on keep what is done to it; what was kept before is forgotten."""
        self._recording = Recording(self.path)

    @property
    def recording(self) -> Recording:
        """Raises FlashFault without `record`."""
        if self._recording is None:
            raise FlashFault(f"{self.path}: not recorded")
        return self._recording

    def log_for_boot(self) -> str:
        """The path of the log, or nothing."""
        if self._recording is None:
            return ""
        self._recording.mend()
        return str(self._recording.log)

    def write(self, octets: bytes) -> None:
        """Replace the whole image. Raises FlashFault for one of another size."""
        if len(octets) != FLASH_OCTETS:
            raise FlashFault(f"{self.path}: {len(octets)} octets, not {FLASH_OCTETS}")
        self.path.write_bytes(octets)
        if self._recording is not None:
            self.record()

    def install(self, files: Mapping[str, bytes]) -> None:
        """Write files at absolute paths, making their directories. Raises FlashFault."""
        octets = bytearray()
        for path, content in files.items():
            name = path.encode()
            octets += struct.pack("<HI", len(name), len(content)) + name + content
        self._run(f"tool.put({str(self.path)!r}, {self.log_for_boot()!r})", bytes(octets))

    def read(self, path: str) -> bytes:
        """A file's octets as of now; a running board may be writing. Raises NoSuchFile, FlashFault."""
        with tempfile.NamedTemporaryFile() as copy:
            shutil.copyfile(self.path, copy.name)
            return self._run(f"tool.get({copy.name!r}, {path!r})", b"")

    def _run(self, call: str, octets: bytes) -> bytes:
        shim = shim_directory()
        done = subprocess.run(
            [micropython(), "-X", f"heapsize={_TOOL_HEAP}", "-c", f"import tool; {call}"],
            env={"MICROPYPATH": str(shim), "PATH": os.defpath},
            input=octets,
            capture_output=True,
            timeout=_TOOL_S,
            check=False,
        )
        said = (done.stdout[-500:] + done.stderr).decode(errors="replace").strip()
        if done.returncode == codes.NO_SUCH_FILE:
            raise NoSuchFile(said)
        if done.returncode:
            raise FlashFault(f"{call}: exit {done.returncode}, {said}. {what_is_in(shim)}")
        return done.stdout
