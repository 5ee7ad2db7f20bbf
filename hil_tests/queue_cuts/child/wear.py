"""How often a node without a gateway erases its flash: counted by the flash itself. For MicroPython.

Its argument is JSON: {"days": 2.0}; it prints JSON, of the last day: erases, octets written, and what the
node thinks of its wear. A BME280 is read once a second, ten scans to a block, on the stock 2 MB.
"""

import json
import os
import sys

import vfs
from flash_log import BLOCK_OCTETS, Image

from firmware.queue import LOOKS_OFFLINE, READINGS, WEAR_PER_ERASE, RamQueue
from wire.block import BlockBuilder
from wire.cbor import Encoder

BLOCKS = 512
DEFAULT_OCTETS = 1048576
GEOMETRY = {"readsize": 32, "progsize": 32, "lookahead": 32}
BLOCKS_A_DAY = 8640
BOOT = 37 << 16 | 0xBEEF


class Counting:
    """A flash that counts erases, of each block, too."""

    def __init__(self):
        self.image = bytearray(BLOCKS * BLOCK_OCTETS)
        self.erases = [0] * BLOCKS

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK_OCTETS + offset
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, octets, offset=0):
        at = block * BLOCK_OCTETS + offset
        self.image[at : at + len(octets)] = octets

    def ioctl(self, request, argument):
        if request == 4:
            return BLOCKS
        if request == 5:
            return BLOCK_OCTETS
        if request == 6:
            self.erases[argument] += 1
        return 0


def main():
    days = json.loads(sys.argv[1])["days"]
    flash = Counting()
    vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
    vfs.mount(vfs.VfsLfs2(flash, **GEOMETRY), "/flash")
    with open("/flash/application", "wb") as file:  # as much as two slots of it
        for _ in range(400):
            file.write(bytes(1000))
    queue = RamQueue(BOOT, 24576, lambda: True, ("/flash/queue", DEFAULT_OCTETS, b"12345678"))
    builder = BlockBuilder(3, 10)
    encoder = Encoder(1024)
    total = int(days * BLOCKS_A_DAY)
    before = (0, 0, 0)
    for number in range(total):
        if number == total - BLOCKS_A_DAY:
            before = (sum(flash.erases), queue.flash_octets, queue.flash_wear)
        for scan in range(10):
            at = number * 10 + scan
            builder.add(at * 1000000, (2100 + at % 37, 4500 + at % 11, 101325 + at % 23))
        queue.append(READINGS, number, builder.encode(encoder, BOOT, READINGS, number, 0))
        builder.clear()
        if number <= LOOKS_OFFLINE:
            queue.look()
    print(
        json.dumps(
            {
                "erases": sum(flash.erases) - before[0],
                "octets": queue.flash_octets - before[1],
                "estimate": (queue.flash_wear - before[2]) // WEAR_PER_ERASE,
                "most_of_one_block": max(flash.erases),
                "dropped": queue.dropped,
                "held_octets": queue.flash.octets,
            }
        )
    )
    os.chdir("/")


main()
