"""Several probes on one pin: all found, each spoken to by its own ROM."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ds18b20 import DS18B20
from drivers.errors import SensorError
from drivers.one_wire import FOUND_MOST, Chips
from hil_tests.chips import Air, DS18B20Chip
from hil_tests.chips.ds18b20 import rom_of
from hil_tests.chips.wires import OneWireBus
from tests.chips.clock import TickingClock
from wire.faults import CHECKSUM, WRONG_ID

SLOTS_OF_A_ROUND = 1 + 8 + 3 * 64


def bus_of(roms, clock=None):
    clock = clock or TickingClock()
    return OneWireBus(*[DS18B20Chip(Air(), clock, rom=rom) for rom in roms])


roms = st.builds(rom_of, st.integers(0, (1 << 48) - 1), st.sampled_from([0x10, 0x22, 0x28]))


@given(st.lists(roms, min_size=1, max_size=FOUND_MOST, unique=True))
def test_every_chip_on_the_pin_is_found_once(there):
    bus = bus_of(there)
    assert sorted(Chips(bus).search()) == sorted(there)
    assert bus.slots == len(there) * SLOTS_OF_A_ROUND


def test_a_search_among_very_many_ends():
    there = [rom_of(serial) for serial in range(1, 30)]
    bus = bus_of(there)
    found = Chips(bus).search()
    assert len(set(found)) == FOUND_MOST
    assert set(found) <= set(there)


def test_nobody_on_the_pin_is_no_chip():
    with pytest.raises(OSError, match="no presence"):
        Chips(bus_of([])).search()


def test_a_chip_that_falls_silent_in_a_search_is_an_error():
    bus = bus_of([rom_of(5)])
    true_bit = bus.readbit
    bus.readbit = lambda: true_bit() if bus.slots < 100 else 1
    with pytest.raises(OSError, match="nobody answers at bit"):
        Chips(bus).search()


def test_several_without_a_rom_are_named_so_that_one_can_be_chosen():
    there = [rom_of(0x111), rom_of(0x222)]
    with pytest.raises(SensorError) as caught:
        DS18B20(Chips(bus_of(there))).open()
    assert caught.value.fault is WRONG_ID
    assert all(rom.hex() in str(caught.value) for rom in there)


def test_a_rom_that_was_read_wrong_is_not_taken_for_a_chip():
    bus = bus_of([rom_of(0x111)[:7] + b"\x00"])
    with pytest.raises(SensorError) as caught:
        DS18B20(Chips(bus)).open()
    assert caught.value.fault is CHECKSUM


def test_each_probe_tells_its_own_temperature_while_all_convert_at_once():
    clock = TickingClock()
    airs = [Air(temperature=celsius) for celsius in (-10.0, 0.5, 25.0625)]
    probes = [DS18B20Chip(air, clock) for air in airs]
    chips = Chips(OneWireBus(*probes, on_slot=lambda: clock.advance_ms(0.07)))
    drivers = [DS18B20(chips, probe.rom) for probe in probes]
    for driver in drivers:
        driver.open()
    for driver in drivers:
        driver.start()
    clock.advance_ms(750)
    assert all(driver.ready() for driver in drivers)
    assert [driver.read() for driver in drivers] == [(-1000,), (50,), (2506,)]


def test_a_probe_is_ready_by_its_time_where_a_slow_one_was_spoken_to_after_it():
    clock = TickingClock()
    probes = [DS18B20Chip(Air(), clock) for _ in range(2)]
    probes[1].conversion_us = 10**9
    chips = Chips(OneWireBus(*probes, on_slot=lambda: clock.advance_ms(0.07)))
    first, slow = [DS18B20(chips, probe.rom) for probe in probes]
    for driver in (first, slow):
        driver.open()
    first.start()
    slow.start()
    clock.advance_ms(750)
    assert not slow.ready()
    assert first.ready()
    assert first.read() == (1250,)
