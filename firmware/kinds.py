"""The kinds of sensors: each has a module kind_<name>.py with its keys and its wiring.

They are loaded by name, when the settings name them: names that a module brings stay in a board's memory
for ever, so a node should meet those of its own sensors only.
"""

import sys

_PREFIX = "firmware.kind_"
_NAMES = "bme280 sht4x ds18b20 hx711 nau7802 ads1220 esp32"


def names() -> "tuple[str, ...]":
    """What `sensors[].driver` may be."""
    return tuple(_NAMES.split())


def of(name: str) -> object:
    """The module of one of these, with take(keys, settings, out) and make(entry, wires)."""
    __import__(_PREFIX + name)
    return sys.modules[_PREFIX + name]


def data_ready(entry: dict, settings) -> "tuple | None":
    """(pin, level) by which a sensor of checked settings tells that data are ready; None where none does."""
    find = getattr(of(entry["driver"]), "data_ready", None)
    return find and find(entry, settings)
