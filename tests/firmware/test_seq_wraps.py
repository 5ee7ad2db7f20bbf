"""A stream whose seq passes what a board takes for small, 2^30 and 2^31, up to the last that the link has."""

import pytest

from tests.firmware.node import run_script

STORY = """
import sys
from firmware.queue import READINGS, RamQueue
from wire.block import BlockBuilder
from wire.cbor import Encoder, decode

BOOT, START, COUNT, PLACE = 7 << 16, {start}, 100, ({directory!r}, 65536, b"12345678")
encoder = Encoder(1024)
builder = BlockBuilder(1, 2)
queue = RamQueue(BOOT, 8192, lambda: True, PLACE)
held = queue.stream(READINGS)
held.first_seq = held.record_seq = START  # so many records have gone already

for seq in range(START, START + COUNT):
    for ticks in (seq * 1000, seq * 1000 + 500):
        builder.add(ticks, (ticks % 1000000,))
    queue.append(READINGS, seq, builder.encode(encoder, BOOT, READINGS, seq, 0))
    builder.clear()


def whole(queue, first):
    print([[boot, first - START, after - START] for boot, _, first, after in queue.held()])
    seq = first
    while seq < START + COUNT:
        octets, after = queue.get(BOOT, READINGS, seq)
        block = decode(bytes(octets))
        assert block[:6] == [3, BOOT, READINGS, seq, 0, seq * 1000], block
        assert after == seq + 1, after
        seq = after


whole(queue, START)
print(queue.free(BOOT, READINGS, START + 10))
whole(queue, START + 10)
queue.spill().save_all()
whole(queue, START + 10)
later = RamQueue(BOOT + (1 << 16), 8192, lambda: True, PLACE)
later.spill().open_flash()
whole(later, START + 10)
print(later.free(BOOT, READINGS, START + COUNT))
print(later.held())
"""


@pytest.mark.parametrize("start", [2**30 - 50, 2**31 - 50, 2**32 - 101])
def test_every_record_keeps_its_seq_in_ram_and_in_flash(tmp_path, start):
    said = run_script(STORY.format(start=start, directory=str(tmp_path / "queue")))
    assert said.splitlines() == [
        "[[458752, 0, 100]]",
        "10",
        "[[458752, 10, 100]]",
        "[[458752, 10, 100]]",
        f"[[524288, {-start}, {-start}], [458752, 10, 100]]",
        "90",
        "[[524288, 1, 0, 0]]",
    ]
