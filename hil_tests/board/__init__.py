"""Emulated ESP32 boards: the real MicroPython, chips on its pins, a pty for its cable."""

from hil_tests.board.board import Board
from hil_tests.board.child.flash_log import Image
from hil_tests.board.counters import Counters
from hil_tests.board.host import BoardHostFailed
from hil_tests.board.virtual_time import VirtualTime
from hil_tests.board.wifi import AccessPoint
from hil_tests.board.wiring import ChipAccess, I2cChip, OneWireChip, PinChip, SpiChip, Wiring

__all__ = [
    "AccessPoint",
    "Board",
    "BoardHostFailed",
    "ChipAccess",
    "Counters",
    "I2cChip",
    "Image",
    "OneWireChip",
    "PinChip",
    "SpiChip",
    "VirtualTime",
    "Wiring",
]
