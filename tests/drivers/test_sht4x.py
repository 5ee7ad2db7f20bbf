"""The driver against the emulated chip: right over the whole range, and honest when it is not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sht4x import OPEN_TRIES, PRECISIONS, STUCK_FRAMES, SHT4x
from hil_tests.chips import Air, SHT4xChip
from hil_tests.chips.wires import Bus
from tests.chips.clock import TickingClock
from tests.drivers.bench import SensorBench, error_of_opening
from tests.runtime import micropython_32_bit
from tests.vector_runner import decoded
from wire.faults import ABSENT, CHECKSUM, OUT_OF_RANGE, RESET_VALUE, STUCK, WRONG_ID, Fault

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "sht4x.json").read_text())
I2C_US = 100  # one short transaction
READING_OCTETS_MOST = 48  # the tuple that read() gives back, and slices of two frames


class Bench(SensorBench):
    """A chip, its air and a driver on one bus."""

    def __init__(self, precision="high", noise=0.0, **air):
        self.air = Air(**air)
        self.clock = TickingClock(I2C_US)
        self.chip = SHT4xChip(self.air, self.clock, noise=noise)
        self.bus = Bus(self.chip)
        self.driver = SHT4x(self.bus, precision=precision)


@given(st.floats(-40, 125), st.floats(-3, 103), st.sampled_from(sorted(PRECISIONS)))
def test_a_reading_is_within_the_resolution_of_the_chip(temperature, humidity, precision):
    centi_c, centi_rh = Bench(precision, temperature=temperature, humidity=humidity).open().scan()
    # Half a code (0.0027 degrees C, 0.0019 %RH) and half of the last place.
    assert centi_c / 100 == pytest.approx(temperature, abs=0.00134 + 0.005)
    assert centi_rh / 100 == pytest.approx(humidity, abs=0.00096 + 0.005)


@pytest.mark.parametrize(
    ("air", "expected"),
    [
        ({"temperature": -40.1}, (OUT_OF_RANGE, 6000)),
        ({"temperature": 125.1}, (OUT_OF_RANGE, 6000)),
        ({"humidity": -3.1}, (1250, OUT_OF_RANGE)),
        ({"humidity": 103.1}, (1250, OUT_OF_RANGE)),
        ({"humidity": 140.0}, (1250, OUT_OF_RANGE)),
    ],
)
def test_what_the_datasheet_does_not_allow_is_missing_and_not_clamped(air, expected):
    assert Bench(**air).open().scan() == expected


@pytest.mark.parametrize(("humidity", "expected"), [(101.2, 10120), (-1.5, -150)])
def test_fog_and_very_dry_air_read_as_a_little_beyond_the_ends(humidity, expected):
    assert Bench(humidity=humidity).open().scan()[1] == expected


@pytest.mark.parametrize("precision", sorted(PRECISIONS))
def test_the_published_time_covers_a_conversion_and_is_not_far_off(precision):
    bench = Bench(precision).open()
    bench.driver.start()
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.5)
    with pytest.raises(OSError, match="no acknowledge"):
        bench.driver.read()
    bench.clock.advance_ms(bench.driver.MEASURE_MS * 0.5)
    assert bench.driver.read() == (1250, 6000)


def test_a_wrong_precision_is_refused():
    with pytest.raises(ValueError, match="precision best"):
        SHT4x(Bus(), precision="best")


def test_an_absent_chip_is_named_after_as_long_as_a_conversion_may_take():
    bench = Bench()
    bench.chip.nacks = True
    assert error_of_opening(bench).fault is ABSENT
    assert bench.bus.transactions == OPEN_TRIES


def test_a_chip_that_knows_no_serial_number_is_another_one():
    bench = Bench()
    bench.chip.mute = True
    error = error_of_opening(bench)
    assert error.fault is WRONG_ID
    assert "at 0x44 has no serial number" in str(error)
    assert bench.bus.transactions <= OPEN_TRIES + 10


def test_a_chip_whose_serial_number_has_no_true_check_is_another_one():
    bench = Bench()
    bench.chip.flipped = 3
    assert error_of_opening(bench).fault is WRONG_ID


def test_a_chip_in_the_middle_of_a_conversion_can_be_opened():
    bench = Bench().open()
    bench.driver.start()
    assert bench.open().scan() == (1250, 6000)


@pytest.mark.parametrize("bit", range(48))
def test_a_flipped_bit_costs_its_own_channel_only(bit):
    bench = Bench().open()
    bench.chip.flipped = bit
    expected = (1250, CHECKSUM) if bit < 24 else (CHECKSUM, 6000)
    assert bench.scan() == expected


def test_the_sign_of_a_discharge_is_no_42_degrees():
    bench = Bench().open()
    bench.chip.damaged = True
    assert bench.scan() == (RESET_VALUE, RESET_VALUE)


def test_air_that_happens_to_be_at_one_half_is_a_reading():
    bench = Bench(temperature=0x8000 / 65535 * 175 - 45).open()
    assert bench.scan() == (4250, 6000)


def test_a_brown_out_costs_the_conversion_that_it_hit_and_no_other():
    bench = Bench().open()
    bench.driver.start()
    bench.chip.brown_out()
    bench.clock.advance_ms(20)
    with pytest.raises(OSError, match="no acknowledge"):
        bench.driver.read()
    assert bench.scan() == (1250, 6000)


@pytest.mark.parametrize("operation", ["start", "read"])
def test_a_bus_that_fails_later_raises(operation):
    bench = Bench().open()
    bench.driver.start()
    bench.clock.advance_ms(9)
    bench.chip.nacks = True
    with pytest.raises(OSError, match="no acknowledge"):
        getattr(bench.driver, operation)()


def test_the_same_frame_for_longer_than_noise_allows_is_stuck_until_it_moves():
    bench = Bench(noise=1.0).open()
    bench.scan()
    bench.chip.frozen = True
    scans = [bench.scan() for _ in range(STUCK_FRAMES)]
    assert STUCK not in scans[STUCK_FRAMES - 3]
    assert scans[-1] == (STUCK, STUCK)
    bench.chip.frozen = False
    assert STUCK not in bench.scan()


def test_a_chip_that_hangs_gives_no_number_after_it_was_opened_again():
    bench = Bench(noise=1.0).open()
    bench.scan()
    bench.chip.frozen = True
    while bench.scan() != (STUCK, STUCK):
        pass
    assert bench.open().scan() == (STUCK, STUCK)


def test_a_chip_with_the_noise_of_the_datasheet_is_not_stuck():
    bench = Bench("high", noise=1.0).open()
    assert not any(isinstance(item, Fault) for _ in range(500) for item in bench.scan())


@given(st.binary(min_size=6, max_size=6))
def test_any_octets_give_faults_or_values_within_the_range(octets):
    bench = Bench().open()
    bench.bus.readfrom_into = lambda addr, buf: buf.__setitem__(slice(None), octets)
    for item, (least, most) in zip(bench.driver.read(), ((-4000, 12500), (-300, 10300)), strict=True):
        assert isinstance(item, Fault) or least <= item <= most


def test_frames_become_values_or_named_faults(runtime):
    frames = VECTORS["frames"]
    got = runtime.values("drivers.sht4x:decode", [[{"hex": frame["octets"]}] for frame in frames])
    assert got == [decoded(frame["expected"]) for frame in frames]


def test_a_reading_takes_no_heap_but_its_result():
    (octets,) = micropython_32_bit().values(
        "tests.drivers.on_both:octets_of_reading_sht4x", [[{"hex": VECTORS["frames"][1]["octets"]}]]
    )
    assert 0 <= octets <= READING_OCTETS_MOST
