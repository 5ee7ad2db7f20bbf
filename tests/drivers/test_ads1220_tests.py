"""The converter's tests of itself and of its bridge: after opening, now and then, and when in doubt."""

import pytest

from drivers.errors import SensorError
from tests.drivers.ads1220_bench import Bench
from wire.faults import OPEN_BRIDGE, OUT_OF_RANGE, SATURATED, UNSETTLED


def test_three_tests_come_before_the_first_reading():
    bench = Bench(noise_uv=0).open()
    items = [bench.scan() for _ in range(4)]
    assert items[:3] == [UNSETTLED] * 3
    assert isinstance(items[3], int)


def test_two_tests_come_after_so_many_readings():
    bench = Bench(check_every=7).open()
    bench.next()
    items = [bench.scan() for _ in range(2 * 9)]
    assert [at for at, item in enumerate(items) if item is UNSETTLED] == [6, 7, 15, 16]


def test_without_them_no_reading_is_missing():
    bench = Bench(check_every=0).open()
    bench.next()
    assert UNSETTLED not in [bench.scan() for _ in range(50)]


def test_a_reading_after_a_test_is_as_before_it():
    bench = Bench(check_every=3, noise_uv=0).open()
    readings = [item for item in (bench.scan() for _ in range(12)) if item is not UNSETTLED]
    assert len(readings) == 6
    assert len(set(readings)) == 1


@pytest.mark.parametrize("lead", ["positive", "negative", "excitation"])
def test_an_open_lead_is_named_at_once_and_a_mended_one_measures_again(lead):
    bench = Bench().open()
    bench.chip.open_lead = lead
    assert bench.next() is OPEN_BRIDGE
    assert [bench.scan() for _ in range(3)] == [OPEN_BRIDGE] * 3
    bench.chip.open_lead = ""
    assert isinstance(bench.next(), int)


@pytest.mark.parametrize("lead", ["positive", "negative", "excitation"])
def test_a_lead_that_opens_later_is_found_by_the_next_tests(lead):
    bench = Bench(check_every=5).open()
    bench.next()
    bench.chip.open_lead = lead
    items = [bench.scan() for _ in range(8)]
    assert items[-1] is OPEN_BRIDGE


@pytest.mark.parametrize("rate", [20, 330, 1000])
@pytest.mark.parametrize("farads", [0, 1e-7, 1e-6])
def test_a_capacitor_over_the_inputs_hides_no_open_lead_at_any_rate(rate, farads):
    bench = Bench(rate=rate, farads=farads).open()
    bench.chip.open_lead = "positive"
    assert bench.next() is OPEN_BRIDGE


def test_an_input_that_floats_to_its_end_is_tested_at_once():
    bench = Bench().open()
    bench.next()
    bench.chip.open_lead, bench.chip.floating_uv = "positive", 900_000.0
    assert [bench.scan() for _ in range(4)] == [OUT_OF_RANGE, UNSETTLED, OPEN_BRIDGE, OPEN_BRIDGE]


def test_an_input_that_is_at_its_end_by_its_load_is_no_open_bridge():
    bench = Bench(excitation_v=2.5).open()
    bench.next()
    bench.load.kilograms = -5000.0
    assert [bench.scan() for _ in range(4)] == [SATURATED, UNSETTLED, UNSETTLED, SATURATED]


@pytest.mark.parametrize("ohms", [120.0, 350.0, 1000.0, 5000.0])
@pytest.mark.parametrize("mv_v", [-6.5, 6.5])
def test_a_bridge_with_all_the_load_it_can_have_is_not_taken_for_an_open_one(ohms, mv_v):
    assert isinstance(Bench(ohms=ohms, zero_mv_v=mv_v).open().next(), int)


def test_a_converter_that_reads_shorted_inputs_wrong_is_named():
    bench = Bench().open()
    bench.chip.broken = True
    for _ in range(3):
        with pytest.raises(SensorError, match="checksum: shorted inputs read"):
            bench.scan()
    bench.chip.broken = False
    assert isinstance(bench.next(), int)


def test_no_current_of_a_test_flows_between_scans():
    bench = Bench().open()
    for _ in range(6):
        bench.scan()
        bench.chip.select()
        assert bench.chip.transfer(b"\x24\x00")[1] & 1 == 0
        bench.chip.deselect()
