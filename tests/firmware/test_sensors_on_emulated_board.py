"""Each driver as the firmware runs it: settings, the real MicroPython, the emulated chip behind the pins."""

import json
import time
from contextlib import contextmanager
from functools import partial

import pytest

from hil_tests.board import Board, Wiring
from hil_tests.chips import ADS1220Chip, Air, BME280Chip, DS18B20Chip, HX711Chip, Load, NAU7802Chip, SHT4xChip
from provisioning.application import build
from tests.firmware.cable import Cable
from wire import faults, up


def host_us():
    return time.monotonic_ns() // 1000


@contextmanager
def node(tmp_path, *sensors, period_ms=50, **more):
    """A board with these sensors in one group, a scan a block, met by the other end of its cable.

    `more` are settings (i2c, spi) and what Board takes.
    """
    settings = {key: more.pop(key) for key in ("i2c", "spi") if key in more}
    settings["sensors"] = list(sensors)
    members = list(range(len(sensors)))
    settings["groups"] = [{"name": "all", "sensors": members, "period_ms": period_ms, "scans": 1}]
    board = Board(tmp_path / "board", **more)
    board.install({**build().files, "/settings.json": json.dumps(settings).encode()})
    with board:
        cable = Cable(board.port)
        cable.board = board
        cable.meet()
        yield cable
        cable.close()


def items_of(block):
    """Its values, a fault's name for each that is missing."""
    return [
        faults.name_of(block.exceptions[at]) if value is None else value
        for at, value in enumerate(block.values)
    ]


def wait_for(cable, *wanted, blocks=100):
    """Read blocks until one has these items, None for any; give its items."""
    seen = []
    for _, block in zip(range(blocks), cable.every_block(0), strict=False):
        seen.append(items_of(block))
        if all(want is None or item == want for item, want in zip(seen[-1], wanted, strict=True)):
            return seen[-1]
    raise AssertionError(f"no {wanted} in {seen}")


def test_an_sht4x_measures_and_names_its_faults(tmp_path):
    air = Air(temperature=-5.25, humidity=82.0)
    chip = SHT4xChip(air, host_us, address=0x45)
    with node(tmp_path, {"driver": "sht4x", "address": 0x45}, chips=[chip]) as cable:
        wait_for(cable, pytest.approx(-525, abs=8), pytest.approx(8200, abs=20))
        chip.flipped = 40
        wait_for(cable, "checksum", pytest.approx(8200, abs=20))
        chip.flipped = None
        chip.nacks = True
        wait_for(cable, "absent", "absent")
        chip.nacks = False
        wait_for(cable, pytest.approx(-525, abs=8), pytest.approx(8200, abs=20))


def test_a_nau7802_keeps_its_offset_through_a_brown_out(tmp_path):
    chip = NAU7802Chip(Load(kilograms=2.0), host_us, calibration_sigma=2_000.0, noise=5.0)
    with node(tmp_path, {"driver": "nau7802", "rate": 320}, period_ms=10, chips=[chip]) as cable:
        wait_for(cable, "unsettled")
        before = next(cable.blocks(0)).values[0]
        assert before == pytest.approx(-8_000, abs=10_000)
        chip.brown_out()
        wait_for(cable, "reset_value", blocks=300)
        after = next(cable.blocks(0)).values[0]
        assert after == pytest.approx(before, abs=60)


def test_an_ads1220_names_a_lead_that_opens(tmp_path):
    chip = ADS1220Chip(Load(), host_us, zero_mv_v=1.0)
    sensor = {"driver": "ads1220", "rate": 330, "check_every": 10}
    wires = {"spi_chips": {15: chip}, "outputs": {27: chip.drdy}}
    with node(tmp_path, sensor, period_ms=10, **wires) as cable:
        counts = pytest.approx(0.128 * 0x800000, abs=2_000)
        wait_for(cable, counts)
        chip.open_lead = "positive"
        wait_for(cable, "open_bridge")
        chip.open_lead = ""
        wait_for(cable, counts)
        chip.missing = "high"
        wait_for(cable, "absent")


def test_two_ds18b20_on_one_pin(tmp_path):
    probes = [DS18B20Chip(Air(temperature=celsius), host_us) for celsius in (-7.5, 21.0)]
    sensors = [
        {"driver": "ds18b20", "rom": probe.rom.hex(), "bits": 9, "channels": [name]}
        for probe, name in zip(probes, ("water", "hull"), strict=True)
    ]
    with node(tmp_path, *sensors, period_ms=150, one_wire_chips=probes) as cable:
        wait_for(cable, -750, 2100)
        probes[0].brown_out()
        wait_for(cable, "reset_value", 2100)
        wait_for(cable, -750, 2100)
        probes[1].flipped = 0
        wait_for(cable, -750, "checksum")


def test_an_hx711_is_clocked_by_spi(tmp_path):
    chip = HX711Chip(Load(kilograms=3.0), host_us, rate_sps=80.0)
    wires = {"pin_chip": chip, "wiring": Wiring(clock=13, data=12)}
    with node(tmp_path, {"driver": "hx711", "bus": 0, "gain": 64}, period_ms=12, **wires) as cable:
        wait_for(cable, pytest.approx(6_000, abs=150))
        chip.load.kilograms = 1e6
        wait_for(cable, "saturated")


def test_three_hx711_side_by_side_each_with_its_own_fault(tmp_path):
    chips = [HX711Chip(Load(kilograms=kilograms), host_us, rate_sps=80.0) for kilograms in (1.0, 2.0, 3.0)]
    sensors = [
        {"driver": "hx711", "channels": ["north"]},
        {"driver": "hx711", "channels": ["south"], "clock": 25, "data": 26, "gain": 64},
        {"driver": "hx711", "channels": ["middle"], "clock": 32, "data": 33},
    ]
    wires = {"pin_chip": chips[0], "more_pin_chips": {(25, 26): chips[1], (32, 33): chips[2]}}
    with node(tmp_path, *sensors, period_ms=100, **wires) as cable:
        north, south, middle = (pytest.approx(count, abs=150) for count in (-28_000, -4_000, 12_000))
        wait_for(cable, north, south, middle)
        chips[1].load.kilograms = 1e6
        wait_for(cable, north, "saturated", middle)
        chips[1].load.kilograms = 2.0
        chips[2].line = "high"
        wait_for(cable, north, south, "not_ready")
        chips[2].line = "connected"
        wait_for(cable, north, south, middle)


def test_two_ads1220_on_one_bus(tmp_path):
    chips = [ADS1220Chip(Load(), host_us, zero_mv_v=mv_v) for mv_v in (1.0, -2.0)]
    sensors = [
        {"driver": "ads1220", "rate": 330},
        {"driver": "ads1220", "rate": 330, "cs": 5, "drdy": 26, "channels": ["other"]},
    ]
    outputs = {27: chips[0].drdy, 26: chips[1].drdy}
    with node(
        tmp_path, *sensors, period_ms=20, spi_chips={15: chips[0], 5: chips[1]}, outputs=outputs
    ) as cable:
        first, second = (pytest.approx(share * 0x800000, abs=2_000) for share in (0.128, -0.256))
        wait_for(cable, first, second)
        chips[1].missing = "high"
        wait_for(cable, first, "absent")
        chips[1].missing = ""
        wait_for(cable, first, second)


def test_two_of_each_i2c_kind_on_two_buses(tmp_path):
    """A NAU7802 has one address only, so a second one needs a bus of its own."""
    loads = Load(kilograms=2.0)
    chips = [
        NAU7802Chip(loads, host_us, calibration_sigma=0, noise=5.0),
        *(
            BME280Chip(Air(temperature=celsius), host_us, address=at)
            for at, celsius in ((118, 3.0), (119, 4.0))
        ),
        *(SHT4xChip(Air(temperature=celsius), host_us, address=at) for at, celsius in ((68, 5.0), (70, 6.0))),
    ]
    sensors = [
        {"driver": "bme280", "channels": ["t3", "h3", "p3"]},
        {"driver": "bme280", "address": 119, "channels": ["t4", "h4", "p4"]},
        {"driver": "sht4x", "channels": ["t5", "h5"]},
        {"driver": "sht4x", "address": 70, "channels": ["t6", "h6"]},
        {"driver": "nau7802"},
        {"driver": "nau7802", "bus": 1, "channels": ["not wired"]},
    ]
    i2c = [{}, {"scl": 25, "sda": 26}]
    with node(tmp_path, *sensors, period_ms=1000, i2c=i2c, chips=chips) as cable:
        items = wait_for(cable, *[None] * 10, pytest.approx(-8_000, abs=100), "absent")
        assert items[0:10:3][:2] == pytest.approx([300, 400], abs=2)
        assert [items[6], items[8]] == pytest.approx([500, 600], abs=8)
        chips[2].nacks = True
        items = wait_for(cable, *[None] * 3, "absent", "absent", "absent", *[None] * 4, None, "absent")
        assert not any(isinstance(item, str) for item in items[:3] + items[6:11])


@pytest.mark.parametrize(
    ("sensor", "chip_of", "pin"),
    [
        ({"driver": "hx711"}, partial(HX711Chip, rate_sps=80.0), 19),
        ({"driver": "nau7802", "rate": 320, "drdy": 27}, NAU7802Chip, 27),
    ],
)
def test_a_wire_that_is_off_gives_no_number(tmp_path, sensor, chip_of, pin):
    chip = chip_of(Load(kilograms=2.0), host_us)
    wires = {"pin_chip": chip} if pin == 19 else {"chips": [chip], "outputs": {pin: chip.drdy}}
    with node(tmp_path, sensor, period_ms=20, **wires) as cable:
        loaded = pytest.approx(-8_000, abs=10_000)
        wait_for(cable, loaded, blocks=300)
        cable.board.cut_wire(pin)
        wait_for(cable, "not_ready")
        for _, block in zip(range(100), cable.every_block(0), strict=False):
            assert items_of(block) == ["not_ready"]
        cable.board.mend_wire(pin)
        wait_for(cable, loaded, blocks=600)


@pytest.mark.parametrize(
    ("sensors", "problem"),
    [
        (
            [{"driver": "ads1220"}, {"driver": "hx711", "bus": 0, "channels": ["other"]}],
            "spi[0] is taken by chips",
        ),
        ([{"driver": "hx711", "stuck": [5, 5]}], "sensors[0].stuck: not 1 members"),
    ],
)
def test_what_only_the_board_can_know_is_wrong_is_told(tmp_path, sensors, problem):
    with node(tmp_path, *sensors) as cable:
        said = next(text for text in iter(lambda: cable.wait_for(up.Log).text, "") if "defaults" in text)
        assert problem in said


def test_a_board_measures_itself(tmp_path):
    with node(tmp_path, {"driver": "esp32", "supply": 34}) as cable:
        wait_for(cable, None, "out_of_range")  # nothing on the pin
        cable.board.set_microvolts(34, 1_850_000)
        cable.board.set_chip_celsius(41)
        wait_for(cable, pytest.approx(4_100, abs=60), pytest.approx(3_700, abs=10))
        cable.board.set_microvolts(34, 3_300_000)
        wait_for(cable, None, "saturated")
