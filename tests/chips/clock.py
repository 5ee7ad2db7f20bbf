"""A clock for the emulated chips that goes when it is told to, and a little with every look."""


class TickingClock:
    """Microseconds. A transaction on a real bus takes time; here every look at the clock does."""

    def __init__(self, step_us=0):
        self.now_us = 1_000_000
        self.step_us = step_us

    def __call__(self):
        self.now_us += self.step_us
        return self.now_us

    def advance_ms(self, ms):
        self.now_us += round(ms * 1000)
