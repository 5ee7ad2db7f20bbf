"""The emulated DS18B20 by its time slots, as the datasheet tells."""

import pytest

from hil_tests.chips import Air, DS18B20Chip
from hil_tests.chips.ds18b20 import check, rom_of
from tests.chips.clock import TickingClock


class Bench:
    def __init__(self, **chip):
        self.air = Air(temperature=25.0625)
        self.clock = TickingClock()
        self.chip = DS18B20Chip(self.air, self.clock, **chip)

    def say(self, *octets):
        for octet in octets:
            for at in range(8):
                self.chip.write(octet >> at & 1)

    def hear(self, n):
        return bytes(sum(self.chip.read() << at for at in range(8)) for _ in range(n))

    def ask(self, *octets, n=0):
        assert self.chip.reset()
        self.say(0xCC, *octets)
        return self.hear(n)

    def convert(self):
        self.ask(0x44)
        self.clock.advance_ms(750)
        return self.ask(0xBE, n=9)


def test_the_check_octet_is_that_of_maxims_note():
    assert check(bytes.fromhex("021cb801000000")) == 0xA2


def test_the_scratchpad_after_power_on_is_that_of_genuine_chips():
    assert Bench().ask(0xBE, n=9) == bytes.fromhex("50054b467fff0c101c")


@pytest.mark.parametrize(
    ("celsius", "code"),
    [(125, 0x07D0), (85, 0x0550), (25.0625, 0x0191), (0.5, 0x0008), (0, 0), (-0.5, 0xFFF8), (-55, 0xFC90)],
)
def test_a_temperature_has_the_code_of_the_datasheet(celsius, code):
    bench = Bench()
    bench.air.temperature = celsius
    octets = bench.convert()
    assert int.from_bytes(octets[:2], "little") == code
    assert check(octets) == 0
    assert octets[6] == 0x10 - (code & 0x0F)


def test_a_conversion_takes_its_time_and_answers_slots_with_zero_meanwhile():
    bench = Bench()
    samples = []
    bench.chip.on_sample(samples.append)
    bench.ask(0x44)
    bench.air.temperature = 90.0
    assert bench.chip.read() == 0
    bench.clock.advance_ms(600)
    assert bench.chip.read() == 0
    bench.clock.advance_ms(20)
    assert bench.chip.read() == 1
    assert bench.ask(0xBE, n=2) == b"\x91\x01"
    assert [air.temperature for air in samples] == [25.0625]


@pytest.mark.parametrize(
    ("config", "share", "code"), [(0x1F, 8, 0x0190), (0x3F, 4, 0x0190), (0x5F, 2, 0x0190)]
)
def test_less_resolution_takes_less_time_and_drops_bits(config, share, code):
    bench = Bench()
    bench.ask(0x4E, 0x4B, 0x46, config)
    bench.ask(0x44)
    bench.clock.advance_ms(612 / share)
    assert bench.chip.read() == 1
    assert int.from_bytes(bench.ask(0xBE, n=2), "little") == code


def test_settings_live_in_ram_until_they_are_copied():
    bench = Bench()
    bench.ask(0x4E, 1, 2, 0x1F)
    assert bench.ask(0xBE, n=5)[2:] == b"\x01\x02\x1f"
    bench.ask(0xB8)
    assert bench.ask(0xBE, n=5)[2:] == b"\x4b\x46\x7f"
    bench.ask(0x4E, 1, 2, 0x1F)
    bench.ask(0x48)
    bench.chip.brown_out()
    assert bench.ask(0xBE, n=5) == b"\x50\x05\x01\x02\x1f"


def test_only_the_chip_with_this_rom_listens():
    bench = Bench(rom=rom_of(7))
    assert bench.chip.reset()
    bench.say(0x55, *rom_of(7), 0xBE)
    assert bench.hear(2) == b"\x50\x05"
    assert bench.chip.reset()
    bench.say(0x55, *rom_of(8), 0xBE)
    assert bench.hear(2) == b"\xff\xff"


def test_a_chip_that_converts_is_silent_while_another_one_is_spoken_to():
    bench = Bench(rom=rom_of(7))
    bench.ask(0x44)
    assert bench.chip.reset()
    bench.say(0x55, *rom_of(8), 0xBE)
    assert bench.chip.read() == 1


def test_a_search_gives_each_bit_and_its_complement_and_falls_silent_on_the_other_way():
    bench = Bench(rom=rom_of(7))  # family 0x28: 0, 0, 0, 1 ...
    assert bench.chip.reset()
    bench.say(0xF0)
    assert (bench.chip.read(), bench.chip.read()) == (0, 1)
    bench.chip.write(0)
    assert (bench.chip.read(), bench.chip.read()) == (0, 1)
    bench.chip.write(1)
    assert (bench.chip.read(), bench.chip.read()) == (1, 1)


def test_parasite_power_is_told_when_asked_for_and_hides_the_conversion():
    bench = Bench()
    bench.ask(0xB4)
    assert bench.chip.read() == 1
    bench.chip.parasite = True
    bench.ask(0xB4)
    assert bench.chip.read() == 0
    bench.ask(0x44)
    assert bench.chip.read() == 1


def test_a_probe_that_is_cut_off_gives_no_presence():
    bench = Bench()
    bench.chip.gone = True
    assert not bench.chip.reset()
    assert bench.chip.read() == 1
