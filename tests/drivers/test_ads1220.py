"""The driver against the emulated converter: right over its range, and honest when it is not."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ads1220 import ADS1220, GAINS, INPUTS, RATES, RESET_POLLS
from drivers.codes import STUCK_CONVERSIONS
from hil_tests.chips.wires import OutputPin
from tests.drivers.ads1220_bench import Bench
from tests.drivers.bench import error_of_opening
from tests.runtime import micropython_32_bit
from tests.vector_runner import decoded
from wire.faults import ABSENT, BUS, NOT_READY, OUT_OF_RANGE, RESET_VALUE, SATURATED, STUCK, WRONG_ID, Fault

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ads1220.json").read_text())


@settings(max_examples=60)
@given(
    st.floats(-6.6, 6.6),
    st.sampled_from(GAINS),
    st.sampled_from(sorted(RATES)),
    st.sampled_from(sorted(INPUTS)),
)
def test_counts_are_the_bridges_share_of_its_excitation(mv_v, gain, rate, inputs):
    bench = Bench(inputs, gain, rate, pair=inputs, zero_mv_v=mv_v, noise_uv=0, offset_uv=0)
    assert bench.open().next() == pytest.approx(mv_v * 1e-3 * gain * 0x800000, abs=1)


@pytest.mark.parametrize("excitation_v", [2.7, 3.3, 5.0])
def test_the_excitation_cancels(excitation_v):
    bench = Bench(excitation_v=excitation_v, zero_mv_v=1.0, noise_uv=0, offset_uv=0)
    assert bench.open().next() == round(0.128 * 0x800000)


@pytest.mark.parametrize("rate", sorted(RATES))
def test_the_published_time_covers_a_conversion_of_a_slow_oscillator_and_is_not_far_off(rate):
    bench = Bench(rate=rate, oscillator=0.98).open()
    bench.driver.start()
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.4)
    assert not bench.driver.ready()
    assert bench.driver.read() == (NOT_READY,)
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.6)
    assert bench.driver.ready()


@pytest.mark.parametrize("arguments", [("04",), ("01", 3), ("01", 128, 50)])
def test_what_the_chip_does_not_have_is_refused(arguments):
    pin = OutputPin(lambda: 0)
    with pytest.raises(ValueError, match=r"no inputs .*, gain .* or rate"):
        ADS1220(None, pin, pin, *arguments)


@pytest.mark.parametrize(("missing", "words"), [("high", "nobody drives"), ("low", "registers stay empty")])
def test_an_absent_chip_is_named(missing, words):
    bench = Bench()
    bench.chip.missing = missing
    error = error_of_opening(bench)
    assert error.fault is ABSENT
    assert words in str(error)
    assert bench.wires.transfers <= RESET_POLLS + 3


def test_a_chip_whose_registers_do_not_read_back_is_another_one():
    bench = Bench()
    bench.chip.deaf_registers = 0x40
    assert error_of_opening(bench).fault is WRONG_ID


def test_a_chip_that_no_reset_empties_is_another_one():
    bench = Bench()
    bench.wires.write_readinto = lambda octets, into: into.__setitem__(slice(None), b"\x5a" * len(into))
    assert error_of_opening(bench).fault is WRONG_ID


def test_an_error_of_the_bus_while_opening_is_one_of_the_bus():
    bench = Bench()

    def fails(octets):
        raise OSError(5)

    bench.wires.write = fails
    assert error_of_opening(bench).fault is BUS


def test_a_brown_out_in_a_conversion_is_noticed_and_the_chip_comes_back():
    bench = Bench(noise_uv=0).open()
    before = bench.next()
    bench.driver.start()
    bench.chip.brown_out()
    bench.clock.advance_ms(52)
    assert bench.driver.ready()
    assert bench.driver.read() == (RESET_VALUE,)
    assert bench.next() == before


def test_a_brown_out_between_scans_harms_no_reading():
    bench = Bench(noise_uv=0).open()
    before = bench.next()
    bench.chip.brown_out()
    assert bench.scan() == before


def test_a_chip_that_goes_away_is_a_fault_of_the_bus_and_then_absent():
    bench = Bench().open()
    bench.next()
    bench.chip.missing = "high"
    bench.driver.start()
    assert bench.driver.ready()
    with pytest.raises(OSError, match="nobody drives the data line"):
        bench.driver.read()
    assert error_of_opening(bench).fault is ABSENT


def test_a_conversion_that_does_not_end_gives_no_old_number():
    bench = Bench().open()
    bench.next()
    bench.chip.frozen = True
    bench.driver.start()
    bench.clock.advance_ms(1000)
    assert not bench.driver.ready()
    assert bench.driver.read() == (NOT_READY,)


@pytest.mark.parametrize("kilograms", [5000.0, -5000.0])
@pytest.mark.parametrize(("excitation_v", "fault"), [(3.3, OUT_OF_RANGE), (2.5, SATURATED)])
def test_an_input_out_of_range_is_a_fault_and_no_end_value(kilograms, excitation_v, fault):
    """At 3.3 V the amplifier has no more room before the converter is at its end."""
    bench = Bench(excitation_v=excitation_v).open()
    bench.next()
    bench.load.kilograms = kilograms
    assert bench.scan() is fault


def test_the_same_code_for_longer_than_noise_allows_is_stuck_until_it_moves():
    bench = Bench(noise_uv=0).open()
    items = [bench.next() for _ in range(STUCK_CONVERSIONS)]
    assert isinstance(items[0], int)
    assert items[-1] is STUCK
    bench.load.kilograms = 1.0
    assert isinstance(bench.scan(), int)


def test_a_noisy_converter_is_not_stuck():
    bench = Bench(check_every=0).open()
    bench.next()
    assert not any(isinstance(bench.scan(), Fault) for _ in range(200))


@given(st.binary(min_size=10, max_size=10))
def test_any_octets_give_a_fault_a_count_or_an_error_of_the_bus(octets):
    bench = Bench().open()
    bench.next()
    bench.driver.start()
    bench.clock.advance_ms(52)
    bench.wires.write_readinto = lambda out, into: into.__setitem__(slice(None), octets[: len(into)])
    try:
        (item,) = bench.driver.read()
    except OSError:
        return
    assert isinstance(item, Fault) or abs(item) <= 7_130_000


def test_answers_become_counts_or_named_faults(runtime):
    answers = VECTORS["answers"]
    got = runtime.values(
        "tests.drivers.on_both_bridges:read_ads1220", [[{"hex": each["octets"]}] for each in answers]
    )
    assert got == [[decoded(each["expected"])] for each in answers]


def test_a_reading_takes_no_heap_but_its_result():
    case = [{"hex": VECTORS["answers"][0]["octets"]}]
    (octets,) = micropython_32_bit().values("tests.drivers.on_both_bridges:octets_of_reading_ads1220", [case])
    assert 0 <= octets <= 32  # the tuple, and a slice of the bus
