"""The emulated SHT4x by its commands, as the datasheet tells."""

import pytest

from hil_tests.chips import Air, Nack, SHT4xChip
from hil_tests.chips.sht4x import check
from tests.chips.clock import TickingClock


class Bench:
    def __init__(self, **chip):
        self.air = Air()
        self.clock = TickingClock()
        self.chip = SHT4xChip(self.air, self.clock, **chip)
        self.clock.advance_ms(1)

    def words(self, command):
        self.chip.write(bytes((command,)))
        self.clock.advance_ms(10)
        octets = self.chip.read(6)
        assert check(octets[0:2]) == octets[2:3]
        assert check(octets[3:5]) == octets[5:6]
        return int.from_bytes(octets[0:2], "big"), int.from_bytes(octets[3:5], "big")


def test_the_check_octet_is_that_of_the_datasheet():
    assert check(b"\xbe\xef") == b"\x92"


@pytest.mark.parametrize(("command", "typical_ms"), [(0xFD, 6.9), (0xF6, 3.7), (0xE0, 1.3)])
def test_a_conversion_acknowledges_nothing_until_it_is_over(command, typical_ms):
    bench = Bench()
    bench.chip.write(bytes((command,)))
    bench.clock.advance_ms(typical_ms - 0.1)
    with pytest.raises(Nack):
        bench.chip.read(6)
    with pytest.raises(Nack):
        bench.chip.write(b"\xfd")
    bench.clock.advance_ms(0.2)
    assert len(bench.chip.read(6)) == 6


def test_a_result_can_be_read_once():
    bench = Bench()
    bench.words(0xFD)
    with pytest.raises(Nack):
        bench.chip.read(6)


def test_words_are_the_inverse_of_the_datasheets_formulas():
    bench = Bench(noise=0)
    bench.air.temperature, bench.air.humidity = 25.0, 50.0
    t, h = bench.words(0xFD)
    assert -45 + 175 * t / 65535 == pytest.approx(25.0, abs=0.002)
    assert -6 + 125 * h / 65535 == pytest.approx(50.0, abs=0.002)


def test_a_conversion_takes_the_air_as_it_is_when_it_begins():
    bench = Bench(noise=0)
    samples = []
    bench.chip.on_sample(samples.append)
    bench.air.temperature = 3.0
    bench.chip.write(b"\xfd")
    bench.air.temperature = 30.0
    bench.clock.advance_ms(10)
    assert -45 + 175 * int.from_bytes(bench.chip.read(2), "big") / 65535 == pytest.approx(3.0, abs=0.002)
    assert [air.temperature for air in samples] == [3.0]


def test_noise_is_that_of_the_datasheet_and_the_same_for_the_same_seed():
    codes = [Bench(seed=5).words(0xFD), Bench(seed=5).words(0xFD), Bench(seed=6).words(0xFD)]
    assert codes[0] == codes[1] != codes[2]
    bench = Bench()
    celsius = [-45 + 175 * bench.words(0xFD)[0] / 65535 for _ in range(300)]
    mean = sum(celsius) / 300
    assert (sum((each - mean) ** 2 for each in celsius) / 300) ** 0.5 == pytest.approx(0.013, rel=0.2)


def test_the_serial_number_has_two_checked_words():
    assert Bench(serial=0xBEEF_0001).words(0x89) == (0xBEEF, 0x0001)


def test_a_soft_reset_ends_a_conversion():
    bench = Bench()
    bench.chip.write(b"\xfd")
    bench.chip.write(b"\x94")
    bench.clock.advance_ms(1)
    with pytest.raises(Nack):
        bench.chip.read(6)
    assert bench.words(0xFD)
