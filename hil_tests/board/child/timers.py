"""machine.Timer: the host counts, its callback comes where interrupts come."""

import link

_EVENTS = 256  # above pins: the place of a timer's handler


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **settings):
        if not -1 <= id <= 3:
            raise ValueError("invalid Timer number")
        self._id = id & 0x07
        if settings:
            self.init(**settings)

    def init(self, *, mode=PERIODIC, period=-1, callback=None, freq=-1, tick_hz=1000, hard=False):
        period_us = int(1000000 / freq) if freq > 0 else period * 1000000 // tick_hz
        link.handlers[_EVENTS + self._id] = lambda: callback(self) if callback else None
        link.query("timer", self._id, max(1, period_us), mode)

    def deinit(self):
        link.handlers.pop(_EVENTS + self._id, None)
        link.query("timer", self._id, 0, 0)
