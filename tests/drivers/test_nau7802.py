"""The driver against the emulated converter: its offset stays put, and every disturbance has a name."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.codes import STUCK_CONVERSIONS
from drivers.nau7802 import (
    EXTERNAL,
    GAINS,
    NAU7802,
    POWER_UP_POLLS,
    RATES,
)
from hil_tests.chips.wires import Bus
from tests.drivers.bench import error_of_opening
from tests.drivers.nau7802_bench import Bench
from tests.runtime import micropython_32_bit
from tests.vector_runner import decoded
from wire.faults import (
    ABSENT,
    BUS,
    NOT_READY,
    RESET_VALUE,
    SATURATED,
    STUCK,
    WRONG_ID,
    Fault,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "nau7802.json").read_text())
PU_CTRL, CTRL1, CTRL2, OCAL1 = 0x00, 0x01, 0x02, 0x03


@settings(max_examples=40)
@given(st.floats(-400, 400), st.sampled_from(GAINS), st.sampled_from(sorted(RATES)), st.booleans())
def test_counts_follow_the_load_but_for_what_calibration_leaves(kilograms, gain, rate, with_drdy):
    bench = Bench(with_drdy, gain, rate, noise=0, calibration_sigma=0, zero=-4000, counts_per_kg=15_000.0)
    bench.load.kilograms = kilograms
    item = bench.open().next()
    assert item == pytest.approx((-4000 + 15_000 * kilograms) * gain / 128, abs=1)


def test_a_silent_loss_of_a_setting_is_a_reset():
    bench = Bench(noise=0).open()
    bench.next()
    for register, octet in ((CTRL1, 0x00), (CTRL2, 0x00), (OCAL1 + 2, 0x55), (PU_CTRL, 0x12)):
        bench.chip.write(bytes((register, octet)))
        bench.clock.advance_ms(200)
        assert bench.driver.read() == (RESET_VALUE,), hex(register)
        assert isinstance(bench.open().next(), int)


@pytest.mark.parametrize("arguments", [{"gain": 3}, {"rate": 100}, {"ldo_mv": 3100}, {"afe": b"123"}])
def test_what_the_chip_does_not_have_is_refused(arguments):
    with pytest.raises(ValueError, match=r"no gain|afe has 3 octets"):
        NAU7802(Bus(), **arguments)


@pytest.mark.parametrize(
    ("ldo_mv", "avdds", "vldo"), [(EXTERNAL, 0, 0), (4500, 1, 0), (3000, 1, 5), (2400, 1, 7)]
)
def test_the_regulator_is_set_or_left_off(ldo_mv, avdds, vldo):
    bench = Bench()
    NAU7802(bench.bus, ldo_mv=ldo_mv).open()
    bench.chip.write(bytes((PU_CTRL,)))
    pu_ctrl, ctrl1 = bench.chip.read(2)
    assert (pu_ctrl >> 7, ctrl1 >> 3 & 7) == (avdds, vldo)


def test_an_absent_chip_is_named():
    bench = Bench()
    bench.chip.nacks = True
    assert error_of_opening(bench).fault is ABSENT


def test_another_chip_is_named():
    bench = Bench()
    bench.chip.revision = 0x03
    error = error_of_opening(bench)
    assert error.fault is WRONG_ID
    assert "revision 0x3, a NAU7802 has 0xf" in str(error)


def test_a_power_up_that_does_not_end_is_given_up_after_a_bounded_number_of_polls():
    bench = Bench()
    bench.chip.powerless = True
    assert error_of_opening(bench).fault is NOT_READY
    assert bench.bus.transactions < 2 * POWER_UP_POLLS + 10


def test_a_chip_that_answers_its_revision_and_then_no_more_is_a_fault_of_the_bus():
    bench = Bench()

    class CutAfterTheId(Bus):
        def writeto_mem(self, addr, memaddr, buf):
            raise OSError(110)

    bench.driver = NAU7802(CutAfterTheId(bench.chip))
    assert error_of_opening(bench).fault is BUS


@pytest.mark.parametrize("operation", ["ready", "read"])
def test_a_bus_that_fails_later_raises(operation):
    bench = Bench().open()
    bench.next()
    bench.chip.nacks = True
    with pytest.raises(OSError, match="no acknowledge"):
        getattr(bench.driver, operation)()


@pytest.mark.parametrize("with_drdy", [False, True])
def test_a_converter_that_stops_is_never_ready_and_gives_no_old_numbers(with_drdy):
    bench = Bench(with_drdy).open()
    bench.next()
    bench.chip.frozen = True
    bench.clock.advance_ms(1000)
    assert not bench.driver.ready()
    assert bench.driver.read() == (NOT_READY,)


@pytest.mark.parametrize("kilograms", [1000.0, -1000.0])
@pytest.mark.parametrize("offset", [3_700.0, -3_700.0, 90_000.0])
def test_a_converter_at_its_end_gives_no_number_though_its_offset_is_taken_off(kilograms, offset):
    bench = Bench(offset=offset).open()
    bench.next()
    bench.load.kilograms = kilograms
    assert bench.scan() is SATURATED


def test_a_load_just_within_the_range_is_a_number():
    bench = Bench(offset=3_700.0, zero=0.0, counts_per_kg=1.0, noise=0).open()
    bench.load.kilograms = 8_380_000.0
    assert bench.next() == pytest.approx(8_380_000, abs=1_500)


def test_the_same_code_for_longer_than_noise_allows_is_stuck_until_it_moves():
    bench = Bench(noise=0).open()
    items = [bench.next() for _ in range(STUCK_CONVERSIONS)]
    assert isinstance(items[0], int)
    assert items[-1] is STUCK
    bench.load.kilograms = 1.0
    assert isinstance(bench.scan(), int)


def test_a_noisy_converter_is_not_stuck():
    bench = Bench().open()
    bench.next()
    assert not any(isinstance(bench.scan(), Fault) for _ in range(200))


OPENED = Bench(afe=bytes.fromhex("00000000800000")).open()
OPENED.next()


@given(st.binary(min_size=3, max_size=21))
def test_any_octets_give_a_fault_or_a_count(octets):
    """What arrives wrong may be the settings, the calibration, the data, or all of it."""
    true_read = OPENED.bus.readfrom_mem_into

    def hostile(addr, memaddr, buf):
        true_read(addr, memaddr, buf)
        if len(buf) == 21:
            buf[21 - len(octets) :] = octets

    OPENED.bus.readfrom_mem_into = hostile
    (item,) = OPENED.driver.read()
    OPENED.bus.readfrom_mem_into = true_read
    assert isinstance(item, Fault) or -0x7FFFFF <= item <= 0x7FFFFE


def test_bursts_become_counts_or_named_faults(runtime):
    bursts = VECTORS["bursts"]
    cases = [[{"hex": VECTORS["afe"]}, {"hex": burst["octets"]}] for burst in bursts]
    got = runtime.values("tests.drivers.on_both_bridges:read_nau7802", cases)
    assert got == [[decoded(burst["expected"])] for burst in bursts]


def test_a_reading_takes_no_heap_but_its_result():
    case = [{"hex": VECTORS["afe"]}, {"hex": VECTORS["bursts"][0]["octets"]}]
    (octets,) = micropython_32_bit().values("tests.drivers.on_both_bridges:octets_of_reading_nau7802", [case])
    assert 0 <= octets <= 32  # the tuple, and a slice of the bus
