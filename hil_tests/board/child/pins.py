"""machine.Pin: every level goes to, or comes from, what is wired to the pin."""

import ahead
import link
import ticks
from codes import IRQ_FALLING as _FALLING
from codes import IRQ_RISING as _RISING
from codes import PIN_DRIVE, PIN_IRQ, PIN_MODE, PIN_SENSE

PIN_MOST = 48
_SENSE_US = 5


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3
    IRQ_RISING = _RISING
    IRQ_FALLING = _FALLING

    def __init__(self, number, mode=-1, pull=-1, *, value=None, drive=0, hold=None):
        if isinstance(number, Pin):
            number = number.number
        if not isinstance(number, int) or not 0 <= number <= PIN_MOST:
            raise ValueError("invalid pin")
        self.number = number
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=0, hold=None):
        if mode != -1:
            link.tell(PIN_MODE, self.number, 0, mode | (0 if pull in (-1, None) else pull) << 4)
        if value is not None:
            self.value(value)

    def value(self, level=None):
        number = self.number
        if level is None:
            if number == ahead.data:
                level = ahead.sense()
                if level >= 0:
                    return level
            ticks.work(_SENSE_US)
            if number == link.held_pin and ticks.local < ticks.held:
                return link.held_level
            ticks.held = 0
            level = link.ask(PIN_SENSE, number)
            if ahead.foreseen:
                ahead.begin(number, level)
            elif ticks.held:
                link.held_pin, link.held_level = number, level
            return level
        if number == ahead.clock and ahead.drive(1 if level else 0):
            return
        ticks.held = 0
        link.tell(PIN_DRIVE, number, 0, 1 if level else 0)

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self.value())

    def irq(self, handler=None, trigger=_FALLING | _RISING, *, priority=1, wake=None, hard=False):
        if handler:
            link.handlers[self.number] = lambda: handler(self)
        else:
            link.handlers.pop(self.number, None)
        link.tell(PIN_IRQ, self.number, 0, trigger if handler else 0)
        if not ticks.virtual:
            link.flush()  # before what is printed next

    def __repr__(self):
        return "Pin(%d)" % self.number


def number_of(pin, otherwise):
    """A pin's number from a Pin, a number or None."""
    if pin is None:
        return otherwise
    return pin.number if isinstance(pin, Pin) else pin
