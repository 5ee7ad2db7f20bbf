"""Modules that are needed for a while only: an ESP32 has room for a third of what it may have to do."""

import sys


class Plain:
    """The values of another object, without its class, which would keep its module in memory."""

    def __init__(self, other) -> None:
        for name, value in other.__dict__.items():
            setattr(self, name, value)


def forget(paths) -> None:
    """Give back the memory of these modules, by their whole names; nobody may keep an object of theirs."""
    for path in paths:
        if path in sys.modules:
            del sys.modules[path]
            package, _, name = path.rpartition(".")
            delattr(sys.modules[package], name)
