"""What a queue must hold after a power cut, given what was true before it.

For MicroPython. Each check gives sentences about broken promises; none is what should be.
"""

from firmware.queue import EVENTS
from life import block, gap_in

REASONS = ("queue_full",)


class Truth:
    """What was true at a position of the recording: `forward` takes it from Marks in order."""

    def __init__(self, marks):
        self.committed = {}
        self.saved = {}
        self.made = {}
        self.dropped = {}  # (boot, stream): [[seq, next_seq], ...]
        self._marks = marks
        self._at = [0, 0, 0, 0]

    def forward(self, position):
        """Go on to what was true at this position of the recording."""
        marks = self._marks
        self._take(0, marks.committed, position, self.committed)
        self._take(1, marks.saved, position, self.saved)
        self._take(2, marks.made, position, self.made)
        at = self._at[3]
        while at < len(marks.dropped) and marks.dropped[at][0] <= position:
            _position, key, seq, next_seq = marks.dropped[at]
            self._drop(self.dropped.setdefault(key, []), seq, next_seq)
            at += 1
        self._at[3] = at

    def may_be_gap(self, key, seq, next_seq):
        """Whether the node has dropped all of these."""
        while seq < next_seq:
            for first, after in self.dropped.get(key, ()):
                if first <= seq < after:
                    seq = after
                    break
            else:
                return False
        return True

    def _take(self, which, marks, position, into):
        at = self._at[which]
        while at < len(marks) and marks[at][0] <= position:
            into[marks[at][1]] = max(marks[at][2], into.get(marks[at][1], 0))
            at += 1
        self._at[which] = at

    def _drop(self, ranges, seq, next_seq):
        for each in ranges:
            if each[0] <= seq <= each[1]:
                each[1] = max(each[1], next_seq)
                return
        ranges.append([seq, next_seq])


def mistakes(queue, truth):
    """What is wrong with what this queue, opened after the cut, holds of earlier boots."""
    found = []
    held = {}
    for boot, stream, first_seq, next_seq in queue.held():
        if boot != queue.boot:
            held[boot, stream] = (first_seq, next_seq)
    for key in truth.saved:
        committed = truth.committed.get(key, 0)
        first_seq, next_seq = held.get(key, (committed, committed))
        if truth.saved[key] > max(committed, next_seq):
            found.append("saved up to %d, found up to %d of %s" % (truth.saved[key], next_seq, key))
    for key in held:
        first_seq, next_seq = held[key]
        if key not in truth.made:
            found.append("nobody made %s" % (key,))
            continue
        if first_seq > truth.committed.get(key, 0):
            found.append(
                "%s begins at %d, the gateway has %d" % (key, first_seq, truth.committed.get(key, 0))
            )
        if next_seq > truth.made[key]:
            found.append("%s ends at %d, %d were made" % (key, next_seq, truth.made[key]))
        found += _contents(queue, truth, key, first_seq, next_seq)
    return found


def _contents(queue, truth, key, first_seq, next_seq):
    boot, stream = key
    seq = first_seq
    while seq < next_seq:
        octets, after = queue.get(boot, stream, seq)
        gap = gap_in(octets)
        if gap is None:
            if octets != block(boot, stream, seq) or after != seq + 1:
                return ["%s at %d is another record" % (key, seq)]
        elif gap[:2] != (seq, after) or gap[2] not in REASONS:
            return ["%s at %d is a GAP %s" % (key, seq, gap)]
        elif stream == EVENTS or not truth.may_be_gap(key, seq, after):
            return ["%s: %d to %d are in a GAP, and were never dropped" % (key, seq, after)]
        if after <= seq:
            return ["%s does not go on at %d" % (key, seq)]
        seq = after
    return []
