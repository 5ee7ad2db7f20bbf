"""A queue with flash on a directory of the PC, and half a minute in which nobody acknowledges."""

import os

import pytest

from firmware import spill
from firmware.queue import LOOKS_OFFLINE, READINGS, RamQueue
from firmware.spill import SEGMENT_OCTETS
from tests.firmware.records import BOOT, block
from wire import up

DESCRIPTOR = b"12345678"
RAM_OCTETS = 6 * SEGMENT_OCTETS
FILES = 6
VALUES = range(60)  # a block of 80 octets
PER_SEGMENT = 45
opened = []  # a power cut closes nothing, but CPython wants it


@pytest.fixture(autouse=True)
def ilistdir(monkeypatch):
    """What MicroPython has and CPython has not."""
    listed = lambda path: [(entry.name, 0x8000, 0) for entry in os.scandir(path)]  # noqa: E731
    monkeypatch.setattr(os, "ilistdir", listed, raising=False)
    monkeypatch.setattr(spill, "MODULES", ())
    yield
    while opened:
        queue = opened.pop()
        if queue.flash:
            queue.flash.close()


@pytest.fixture
def queue(tmp_path):
    return new_queue(tmp_path)


def new_queue(tmp_path, boot=BOOT, files=FILES):
    queue = RamQueue(
        boot, RAM_OCTETS, lambda: True, (str(tmp_path / "queue"), files * SEGMENT_OCTETS, DESCRIPTOR)
    )
    queue.spill().open_flash()
    opened.append(queue)
    return queue


def record(boot, stream, seq):
    return block(stream, seq, VALUES, boot)


def fill(queue, stream, count):
    for _ in range(count):
        seq = queue.next_seq(stream)
        queue.append(stream, seq, record(queue.boot, stream, seq))


def leave_alone(queue):
    """Half a minute in which nobody acknowledges."""
    if not queue.octets:
        fill(queue, READINGS, 1)
    for _ in range(LOOKS_OFFLINE + 1):
        queue.look()


def contents(queue, boot, stream):
    """Of each seq: its record, or the reason of the gap that it is in."""
    found = {}
    for its_boot, its_stream, seq, next_seq in queue.held():
        if (its_boot, its_stream) == (boot, stream):
            while seq < next_seq:
                octets, after = queue.get(boot, stream, seq)
                message = up.decode(octets)
                if isinstance(message, up.Gap):
                    assert (message.seq, message.next_seq) == (seq, after)
                    found.update(dict.fromkeys(range(seq, after), message.reason))
                else:
                    assert octets == record(boot, stream, seq)
                    found[seq] = octets
                seq = after  # noqa: PLW2901 - a gap is one step
    return found


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "queue").iterdir())
