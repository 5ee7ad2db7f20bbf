"""Where scripts/setup put the programs that are no Python packages, such as MicroPython and mosquitto."""

from pathlib import Path
from typing import Literal

_CACHE = Path(__file__).resolve().parent.parent / ".cache"
_BIN = _CACHE / "bin"
_MICROPYTHON = {"32-bit": "micropython", "native": "micropython-native"}


class ProgramMissing(RuntimeError):
    """A program that scripts/setup unpacks is not there."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name}: not in {path.parent}. Next step: run scripts/setup")
        self.path = path


def micropython(kind: Literal["32-bit", "native"] = "32-bit") -> Path:
    """The MicroPython to run firmware with. Raises ProgramMissing.

    `32-bit` has the ESP32's object sizes and 31-bit small integers; on a kernel that runs no
    32-bit programs scripts/setup puts the native one in its place, and says so.
    """
    return program(_MICROPYTHON[kind])


def mosquitto() -> Path:
    """The MQTT broker. Raises ProgramMissing."""
    return program("mosquitto")


def program(name: str) -> Path:
    """Any of the unpacked programs, such as `mosquitto_sub`. Raises ProgramMissing."""
    path = _BIN / name
    if not path.is_file():
        raise ProgramMissing(path)
    return path


def library(name: str) -> Path:
    """An unpacked library to load before all others, such as `libfaketime.so.1`. Raises ProgramMissing."""
    found = sorted(_CACHE.glob(f"preload-*/usr/lib/**/{name}"))
    if not found:
        raise ProgramMissing(_CACHE / name)
    return found[0]
