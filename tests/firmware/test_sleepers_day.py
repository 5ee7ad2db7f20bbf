"""A day of a node that sleeps, with all that may happen on one: every record is accounted for and dated."""

from random import Random

import pytest

from tests.firmware.sleeping import AIR, LOAD, PPM, Sleeping
from wire import up

WAKE_S = 600
EVERY = 4
DAY_S = 86_400
SEED = 20261129


class Day(Sleeping):
    """The temperature bends the slow clock, gateways come and go, power fails, contacts are missed."""

    def __init__(self, directory) -> None:
        super().__init__(directory, wake_ms=WAKE_S * 1000, send_every=EVERY, link_s=20)
        self._random = Random(SEED)
        self.cuts = 0
        self.bend()

    def bend(self) -> None:
        """Off by 5,000 ppm, and by up to 2,000 more as the day goes."""
        self.board.set_slow_clock(5_000 + self._random.uniform(-2_000, 2_000))
        self.time.after(1_800, self.bend)

    def run(self) -> None:
        """One event after another."""
        while self.time.seconds < DAY_S:
            match self._random.choice(("gateway goes", "power", "power", "miss a contact")):
                case "gateway goes":
                    self.gateway.deaf = True
                    self.time.run_for(self._random.uniform(3_600, 12_000))
                    self.gateway.deaf = False
                case "miss a contact":
                    self.gateway.deaf = True
                    self.time.run_for(EVERY * WAKE_S)
                    self.gateway.deaf = False
                case "power":
                    self.cuts += 1
                    self.time.run_for(self._random.uniform(0, 2 * WAKE_S))
                    self._random.choice((self.board.power_cut, self.board.brown_out, self.board.reset))()
            self.time.run_for(self._random.uniform(1_000, 6_000))
        self.time.run_for(2 * (EVERY + 1) * WAKE_S)
        self.until_asleep()


@pytest.mark.timeout(120)
def test_every_record_of_a_day_is_stored_once_or_lay_in_rtc_memory_when_the_power_failed(tmp_path):
    day = Day(tmp_path)
    try:
        day.run()
        truth = day.probed()
    finally:
        day.close()
    assert day.cuts > 0
    assert set(day.starts) <= {"power_on", "deep_sleep"}
    assert all(len(octets) == 1 for octets in day.sent.values())
    assert all(isinstance(record, up.Block) for record in day.gateway.records)
    boots = day.boots()
    assert [boot >> 16 for boot in boots] == list(range(1 + day.cuts))
    for boot in boots:
        seqs = [record.seq for record in day.stored() if record.boot == boot]
        assert sorted(seqs) == list(range(len(seqs)))
    # RTC memory holds what was measured since the contact before, or went to flash.
    measured = len(truth)
    assert measured - day.cuts * 2 * EVERY <= len(day.stored(AIR)) <= measured
    assert len(day.stored(LOAD)) == len(day.stored(AIR))
    judge_times(day, truth)


def judge_times(day: Sleeping, truth: list[int]) -> None:
    """Against when the chip was asked: nearly all within the bound, and the bound is of use."""
    clocks = day.clocks()
    held = bounds = 0
    for record in day.stored(AIR):
        boottime_ns, uncertainty_ns, *_ = clocks[record.boot].place(record.t_first)
        nearest_ns = min(abs(boottime_ns - at_ns) for at_ns in truth)
        held += nearest_ns <= uncertainty_ns
        bounds += uncertainty_ns
    count = len(day.stored(AIR))
    assert held >= 0.99 * count
    assert bounds / count < EVERY * WAKE_S * 1e9 * PPM / 1e6 * 2
