import pytest

from firmware.clock import Ticks

MOST = 0x3FFFFFFF  # of the ESP32


class Counter:
    """The chip's free-running counter, which wraps."""

    def __init__(self, at=0):
        self.at = at

    def __call__(self):
        return self.at & MOST


@pytest.mark.parametrize("start", [0, 5, MOST - 3, MOST])
def test_time_grows_across_the_wrap(start):
    counter = Counter(start)
    ticks = Ticks(counter, MOST)
    seen = []
    for step in (0, 1, 10, MOST - 1, MOST, 7):
        counter.at += step
        seen.append(ticks.now_us())
    assert seen == [0, 1, 11, 10 + MOST, 10 + 2 * MOST, 17 + 2 * MOST]


def test_milliseconds_follow_microseconds():
    counter = Counter()
    ticks = Ticks(counter, MOST)
    for _ in range(5000):
        counter.at += MOST // 2
        ticks.now_us()
    assert ticks.now_ms() == 5000 * (MOST // 2) // 1000
