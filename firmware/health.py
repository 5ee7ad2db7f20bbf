"""The node's own health as a group of readings: what it has left, what it lost, what it wrote."""

import gc

from firmware import board
from firmware.pages import HEAP_RESERVE
from firmware.queue import READINGS, WEAR_PER_ERASE
from wire.block import BlockBuilder
from wire.compat import const

# Of what is asked for in one piece. Not more than the queue asks for, and must: where the heap lacks it, an
# ESP32's grows by all that Wi-Fi has left.
PIECE_LEAST = const(256)


def tell(now_us: int, encoder, queue, link, samplers: list) -> None:
    """Put a BLOCK of one scan into `queue`, the group after those of `samplers`. Call it after a collection.

    The application's housekeeping does: a task and a Sampler for it would take 1 KB, and nothing of this
    ever waits.
    """
    missed = given_up = 0
    for sampler in samplers:
        missed += sampler.missed
        for sensor in sampler.sensors:
            given_up += sensor.given_up
    # The channels of firmware.descriptor in their order; none is ever missing.
    items = (
        gc.mem_free(),
        _piece(),
        queue.octets,
        queue.flash.octets if queue.flash else 0,
        queue.flash_fault,
        queue.flash_octets,
        queue.flash_wear // WEAR_PER_ERASE,
        queue.dropped,
        link.refused,
        missed,
        given_up,
        board.reset_number(),
    )
    builder = BlockBuilder(len(items), 1)
    builder.add(now_us, items)
    seq = queue.next_seq(READINGS)
    queue.append(READINGS, seq, builder.encode(encoder, queue.boot, READINGS, seq, len(samplers)))
    link.wake()


def _piece() -> int:
    octets = HEAP_RESERVE
    while octets >= PIECE_LEAST:
        try:
            bytearray(octets)
        except MemoryError:
            octets //= 2
        else:
            return octets
    return 0
