"""A node's life as far as its queue sees it, from a seed: readings, alarms, outages, boots, and a gateway.

For MicroPython. The gateway commits what it gets in order, and its ACK may come late or never.
`Life.marks` says after which operation of the flash what was true.
"""

import random

from firmware.queue import BULK, EVENTS, LOOKS_OFFLINE, READINGS, QueueFull, RamQueue
from wire import up
from wire.cbor import Encoder

ROOT = "/flash"
LIMIT_OCTETS = 3 * 4096
RAM_OCTETS = 9000
DESCRIPTOR = b"eightoct"
_FILLING = b"\xa5" * 512

_encoder = Encoder(1024)
_blocks = {}


def block(boot, stream, seq):
    """The record of this identity, and of no other: sizes differ, too."""
    key = (boot, stream, seq)
    if key not in _blocks:
        _blocks[key] = _block(boot, stream, seq)
    return _blocks[key]


def _block(boot, stream, seq):
    _encoder.start()
    _encoder.array(8)
    for number in (3, boot, stream, seq, 0, seq * 1000, 900):
        _encoder.uint(number)
    size = 40 if stream == EVENTS else 200 + (seq * 37 + boot) % 300
    _encoder.value([(boot * 7 + stream * 5 + seq * 3) % 200] * (size // 2))
    return _encoder.take()


def gap_in(octets):
    """(seq, next_seq, reason) of a GAP's octets; None of a BLOCK's."""
    if octets[1] != up.Gap.TYPE:
        return None
    from wire.cbor import decode

    items = decode(octets)
    return items[3], items[4], items[5]


def new_queue(boot):
    """The queue of a boot, as firmware.app makes it."""
    queue = RamQueue(boot, RAM_OCTETS, lambda: True, (ROOT + "/queue", LIMIT_OCTETS, DESCRIPTOR))
    queue.spill().open_flash()
    return queue


class Marks:
    """What was true after each step, by the position in the recording."""

    def __init__(self):
        self.committed = []  # (position, (boot, stream), next_seq): on the gateway's disk
        self.saved = []  # (position, (boot, stream), next_seq): in flash, says the node
        self.made = []  # (position, (boot, stream), next_seq): existed at all
        self.dropped = []  # (position, (boot, stream), seq, next_seq): in a gap that the node made


class Life:
    """One life on `flash`; `next_boot` is the number of the boot after the last one."""

    def __init__(self, flash, marks):
        self.marks = marks
        self.committed = {}
        self.queue = None
        self._flash = flash
        self._boot = 0
        self._late = []

    def boot(self):
        """Begin anew: what was in RAM only is gone."""
        self._boot += 1
        self.queue = new_queue(self._boot << 16 | random.getrandbits(16))
        self._late = []

    def make(self, stream, count):
        """Records of one stream, as many."""
        queue = self.queue
        for _ in range(count):
            seq = queue.next_seq(stream)
            # Before the step: the record exists while it is being saved, too.
            self._mark(self.marks.made, (queue.boot, stream), seq + 1)
            dropped = queue.dropped
            begun = self._flash.position
            try:
                queue.append(stream, seq, block(queue.boot, stream, seq))
            except QueueFull:
                if stream != EVENTS:
                    raise
            if queue.dropped != dropped:
                self._find_gaps(begun)
            self._mark_saved()

    def outage(self):
        """Nobody acknowledges for so long that the queue notices."""
        for _ in range(LOOKS_OFFLINE + 1):
            self.queue.look()
        self._mark_saved()

    def deliver(self, count, ack="now"):
        """The gateway takes and commits up to `count` records; its ACK comes now, late or never."""
        queue = self.queue
        for boot, stream, first_seq, next_seq in queue.held():
            key = (boot, stream)
            seq = max(first_seq, self.committed.get(key, 0))
            while seq < next_seq and count:
                _octets, seq = queue.get(boot, stream, seq)
                count -= 1
            self.committed[key] = max(seq, self.committed.get(key, 0))
            self._mark(self.marks.committed, key, self.committed[key])
            if ack == "now":
                queue.free(boot, stream, self.committed[key])
            elif ack == "late":
                self._late.append((boot, stream, self.committed[key]))
        queue.look()

    def late_acks(self):
        """What was acknowledged a while ago arrives."""
        for boot, stream, next_seq in self._late:
            self.queue.free(boot, stream, next_seq)
        self._late = []
        self.queue.look()

    def fill(self, octets):
        """Somebody else's file takes that much of the file system, or as much as there is."""
        try:
            with open(ROOT + "/other", "wb") as file:
                for _ in range(octets // len(_FILLING)):
                    file.write(_FILLING)
        except OSError:
            pass  # full: it stays as large as it got
        self.queue.spill().pause = 0

    def _find_gaps(self, begun):
        # A stream's gaps are in front, and where flash ends and RAM begins.
        queue = self.queue
        ends = {}
        for boot, stream, _first_seq, next_seq in self._in_flash():
            ends[boot, stream] = next_seq
        for boot, stream, first_seq, next_seq in queue.held():
            for seq in (first_seq, ends.get((boot, stream), next_seq)):
                gap = seq < next_seq and gap_in(queue.get(boot, stream, seq)[0])
                if gap:
                    self.marks.dropped.append((begun, (boot, stream), gap[0], gap[1]))

    def _mark_saved(self):
        if self.queue.flash:
            for boot, stream, _first_seq, next_seq in self._in_flash():
                self._mark(self.marks.saved, (boot, stream), next_seq)

    def _in_flash(self):
        # RAM's part begins where that of flash ends.
        queue = self.queue
        found = queue.held()
        for each in found:
            if each[0] == queue.boot:
                each[3] = queue.streams[each[1]].first_seq
        return [each for each in found if each[2] < each[3]]

    def _mark(self, marks, key, value):
        marks.append((self._flash.position, key, value))


def live(life, steps):
    """First an outage that fills the flash, and a boot after it; then as many steps as the seed has it."""
    life.boot()
    life.make(BULK, 12)
    life.outage()
    life.make(EVENTS, 1)
    life.make(READINGS, 40)
    life.deliver(12)
    life.boot()
    life.make(READINGS, 5)
    for _ in range(steps):
        dice = random.randrange(100)
        if dice < 45:
            life.make(READINGS, random.randrange(1, 14))
        elif dice < 55:
            life.make(BULK, random.randrange(1, 15))
        elif dice < 62:
            life.make(EVENTS, random.randrange(1, 3))
        elif dice < 76:
            life.outage()
        elif dice < 90:
            life.deliver(random.randrange(1, 120), ("now", "now", "late", "never")[random.randrange(4)])
        elif dice < 93:
            life.late_acks()
        elif dice < 96:
            life.fill(random.choice((0, 30000, 100000)))
        else:
            life.boot()
