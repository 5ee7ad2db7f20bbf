"""Random octets that come from a seed: a life in virtual time is the same each time."""

import random

_state = 0


def start(seed):
    global _state
    _state = (seed * 2654435 + 97) & 0xFFFFFF
    random.seed(seed)


def urandom(count):
    global _state
    octets = bytearray(count)
    for at in range(count):
        _state = (_state * 1103 + 12345) & 0xFFFFFF
        octets[at] = _state >> 13 & 0xFF
    return bytes(octets)
