"""DESCRIBE in a file: a gateway asks for it once, and RAM has better use for up to 1 KB."""

import os

from wire.compat import const
from wire.up import descriptor_hash

HEAD_OCTETS = const(2)  # of DESCRIBE: an array of its type and the descriptor
_NEW = const(".new")


def keep(path: str, message: bytes) -> bool:
    """Have `message` in the file, written only where it is another; False where flash does not take it."""
    if _octets_of(path) == message:
        return True
    try:
        # Beside it, then renamed: at a power cut the file is the old one or the new one, whole.
        with open(path + _NEW, "wb") as file:
            file.write(message)
        os.rename(path + _NEW, path)
    except OSError:
        return False
    return _octets_of(path) == message


def read(path: str, name: bytes) -> bytes:
    """The message whose descriptor has this hash. Raises OSError where it is damaged: a start mends it."""
    message = _octets_of(path)
    if descriptor_hash(message[HEAD_OCTETS:]) != name:
        raise OSError(path + " is damaged")
    return message


def _octets_of(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
