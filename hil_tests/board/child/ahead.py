"""What a clocked chip's data pin will show, told in advance, so that its bits need no question each."""

import link
import ticks
from codes import PIN_PULSES

clock = -1  # its pin, while something is told
data = -1
foreseen = 0  # as in PIN_AHEAD, just received
_levels = 0
_left = 0
_level = 0
_clocked = 0  # the clock's level
_rose = 0  # ticks.local when that went high
_pulses = 0  # the host does not know of yet
_asks = 0  # so often the level may be asked with no question to the host


def begin(pin, level):
    """Something was foreseen with the answer to what the data pin shows."""
    global clock, data, foreseen, _levels, _left, _level, _clocked, _pulses, _asks
    clock, _levels = foreseen
    foreseen = 0
    data = pin
    _level = level
    _left = 0
    while _levels >> _left > 1:
        _left += 1
    _clocked = 0
    _pulses = 0
    _asks = 1


def drive(level):
    """The clock pin is driven; False when that is for the host."""
    global _clocked, _left, _level, _pulses, _asks, _rose
    if level and not _clocked:
        if not _left:
            end()
            return False
        _left -= 1
        _level = _levels >> _left & 1
        _pulses += 1
        _asks = 1
        _rose = ticks.local
    elif _clocked and ticks.local != _rose:
        end()  # a pulse that took its time is for the chip to judge
        return False
    _clocked = level
    return True


def sense():
    """What the data pin shows; -1 where it may be another by now."""
    global _asks
    if not _asks:
        return -1  # who asks again waits for something; and must hear a Ctrl-C
    _asks -= 1
    return _level


def end():
    """The host hears of the pulses."""
    global clock, data
    pin = clock
    clock = data = -1
    if _pulses:
        now = ticks.local
        if _clocked:
            ticks.local = _rose  # high since then
        link.tell(PIN_PULSES, pin, 0, _pulses << 1 | _clocked)
        ticks.local = now
