"""Where scripts/setup put the programs that are no Python packages, such as MicroPython and mosquitto."""

from pathlib import Path
from typing import Literal

_CACHE = Path(__file__).resolve().parent.parent / ".cache"
_BIN = _CACHE / "bin"
Kind = Literal["32-bit", "native", "single-float"]
_MICROPYTHON: dict[Kind, str] = {
    "32-bit": "micropython",
    "native": "micropython-native",
    "single-float": "micropython-single-float",
}
_MADE_BY = {"micropython-single-float": "scripts/build-micropython"}


class ProgramMissing(RuntimeError):
    """A program that scripts/setup unpacks, or scripts/build-micropython makes, is not there."""

    def __init__(self, path: Path) -> None:
        script = _MADE_BY.get(path.name, "scripts/setup")
        super().__init__(f"{path.name}: not in {path.parent}. Next step: run {script}")
        self.path = path


def micropython(kind: Kind = "32-bit") -> Path:
    """The MicroPython to run firmware with. Raises ProgramMissing.

    `32-bit` has the ESP32's object sizes and 31-bit small integers; on a kernel that runs no
    32-bit programs scripts/setup puts the native one in its place, and says so. `single-float`
    is built here: it has the ESP32's floats, too, and a heap in two halves; no TLS, no threads.
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
