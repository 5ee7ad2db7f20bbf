"""What an emulated board does about an application that fails: stages, trials, hangs, loss of power."""

import json

import pytest

from provisioning.application import build
from tests.firmware.launched import (
    BME280_CRASHES,
    CRASHES,
    CRASHES_ON_TRIAL,
    Life,
    choice,
    launcher_with,
    slot_files,
    with_mistake,
)

FASTER = {"groups": [{"name": "all", "sensors": [0, 1], "period_ms": 500, "scans": 2}]}
OPTIONAL = {**FASTER, "sensors": [{"driver": "bme280", "optional": True}, {"driver": "hx711"}]}
A_IN_FORCE = b'{"good": "a", "trial": null}\n'
INTERRUPTED_ONCE = """

_let_in = let_in
_more = [1]

def let_in():
    if _more:
        _more.pop()
        raise KeyboardInterrupt
    _let_in()
"""


def as_file(settings):
    return json.dumps(settings).encode()


@pytest.fixture
def live(tmp_path):
    lives = []

    def live(files, **of_board):
        lives.append(Life(tmp_path, files, **of_board))
        return lives[-1]

    yield live
    for life in lives:
        life.close()


def test_a_good_start_writes_nothing_but_its_number(live):
    life = live(build().files)
    life.until_good()
    assert life.file("/boot_count") == b"0\n"
    assert life.file("/failed") is None
    assert life.file("/slot.json") == A_IN_FORCE


@pytest.mark.timeout(60)
def test_settings_on_trial_that_crash_are_dropped_after_three_starts(live):
    files = with_mistake(firmware_app=CRASHES_ON_TRIAL).files
    life = live({**files, "/settings.json": as_file(FASTER), "/settings.new": b"{}"})
    assert "settings on trial dropped, 3 starts failed" in life.until_log("dropped")
    life.until_good()
    assert life.starts == {"power_on": 1, "hard": 3}
    assert life.file("/settings.new") is None
    assert life.file("/settings.json") == as_file(FASTER)
    assert life.file("/failed") is None


def test_settings_on_trial_that_cannot_be_used_are_dropped_at_once(live):
    life = live({**build().files, "/settings.json": as_file(FASTER), "/settings.new": b'{"sensors": 5}'})
    assert "settings on trial dropped: sensors" in life.until_log("dropped")
    life.until_good()
    assert life.starts == {"power_on": 1}
    assert life.file("/settings.new") is None


def test_settings_on_trial_stay_once_the_boot_is_good(live):
    life = live({**build().files, "/settings.new": as_file(FASTER)})
    life.until_good()
    assert life.gateway.hellos[0].trial == "settings"
    assert life.file("/settings.json") == as_file(FASTER)
    assert life.file("/settings.new") is None


@pytest.mark.timeout(60)
def test_an_application_on_trial_that_crashes_is_dropped_after_five_starts(live):
    trial = slot_files(with_mistake(firmware_app=CRASHES), "b")
    life = live({**build().files, **trial, **choice("a", "b")})
    assert "application on trial in slot b dropped, 5 starts failed" in life.until_log("dropped")
    assert life.starts == {"power_on": 1, "hard": 5}
    assert life.gateway.hellos[0].crash.startswith("crash in boot unknown after ")
    assert life.gateway.hellos[0].crash.endswith(": ValueError: a number too many")
    life.until_good()
    assert life.file("/slot.json") == A_IN_FORCE


@pytest.mark.timeout(60)
@pytest.mark.parametrize("end", ["raise SystemExit", "return"])
def test_an_application_on_trial_that_ends_in_another_way_is_dropped_too(live, end):
    trial = slot_files(with_mistake(firmware_app=f"\n\ndef main(*_):\n    {end}\n"), "b")
    life = live({**build().files, **trial, **choice("a", "b")})
    life.until_log("application on trial in slot b dropped", 5 * 3700)
    life.until_good()
    assert life.file("/slot.json") == A_IN_FORCE


def test_an_application_on_trial_stays_once_the_boot_is_good(live):
    life = live({**build().files, **slot_files(build(), "b"), **choice("a", "b")})
    life.until_good()
    assert life.gateway.hellos[0].trial == "application"
    assert life.file("/slot.json") == b'{"good": "b", "trial": null}\n'


@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", ["missing", "half"])
def test_a_broken_slot_is_left_for_a_whole_one(live, damage):
    files = {**build().files, **slot_files(build(), "b")}
    path = "/a/firmware/queue.mpy"
    if damage == "half":
        files[path] = files[path][: len(files[path]) // 2]
    else:
        del files[path]
    life = live(files)
    assert "slot a is broken, 5 starts failed" in life.until_log("broken", 500)
    life.until_good()
    assert life.file("/slot.json") == b'{"good": "b", "trial": null}\n'


@pytest.mark.timeout(60)
def test_an_optional_sensor_that_crashes_the_node_is_left_out_after_seven_starts(live):
    files = with_mistake(drivers_bme280=BME280_CRASHES).files
    life = live({**files, "/settings.json": as_file(OPTIONAL)})
    assert "no optional sensors, 7 starts failed" in life.until_log("optional")
    life.until_good()
    assert life.starts == {"power_on": 1, "hard": 7}
    assert life.gateway.hellos[-1].crash.endswith(": ValueError: a chip too many")
    assert {len(record.values) for record in life.gateway.records} == {2, 12}  # the HX711 alone, and health
    assert life.file("/failed") is None
    assert life.file("/crash.txt") is None


@pytest.mark.timeout(90)
def test_a_sensor_that_crashes_leads_to_safe_mode_and_an_hour_later_it_is_tried_again(live):
    files = with_mistake(drivers_bme280=BME280_CRASHES).files
    life = live({**files, "/settings.json": as_file(FASTER)})
    assert "safe mode, no sensors" in life.until_log("safe mode", 300)
    assert life.starts == {"power_on": 1, "hard": 9}
    assert life.gateway.hellos[-1].crash.endswith(": ValueError: a chip too many")
    life.time.run_for(3500)
    assert sum(life.starts.values()) == 10
    assert {len(record.values) for record in life.gateway.records} == {12}  # its health alone
    life.until_starts(12)  # the end of safe mode, a crash
    assert life.file("/failed")[:3] == b"fg\x01"


@pytest.mark.timeout(90)
def test_where_even_safe_mode_crashes_the_pauses_are_long(live):
    life = live(with_mistake(firmware_app=CRASHES).files)
    life.until_starts(10)
    begun_s = life.time.seconds
    life.until_starts(12)
    assert 95 < life.time.seconds - begun_s < 110
    assert life.file("/failed")[:3] == b"fg\x0b"
    assert b"ValueError: a number too many" in life.file("/crash.txt")
    life.until_starts(14)  # there is no other slot
    assert life.file("/slot.json") == A_IN_FORCE


@pytest.mark.timeout(90)
def test_an_application_that_fails_even_in_safe_mode_is_left_for_the_one_before(live):
    life = live({**with_mistake(firmware_app=CRASHES).files, **slot_files(build(), "b")})
    said = life.until_log("safe mode", 500)
    assert "slot a fails even in safe mode, safe mode, no sensors" in said
    assert life.starts == {"power_on": 1, "hard": 11}
    assert life.file("/slot.json") == b'{"good": "b", "trial": null}\n'
    life.time.run_for(3700)  # safe mode ends after an hour
    life.until_good()
    assert life.file("/failed") is None


@pytest.mark.timeout(90)
def test_of_two_applications_that_fail_in_safe_mode_each_has_its_turn(live):
    life = live(
        {**with_mistake(firmware_app=CRASHES).files, **slot_files(with_mistake(firmware_app=CRASHES), "b")}
    )
    life.until_starts(12)
    assert life.file("/slot.json") == b'{"good": "b", "trial": null}\n'
    life.until_starts(14)
    assert life.file("/slot.json") == A_IN_FORCE


@pytest.mark.timeout(60)
def test_a_power_cut_between_crashes_does_not_stop_the_count(live):
    trial = slot_files(with_mistake(firmware_app=CRASHES), "b")
    life = live({**build().files, **trial, **choice("a", "b")})
    life.until_starts(5)
    assert life.file("/failed")[:3] == b"fg\x04"
    for lose_power in (life.board.power_cut, life.board.brown_out, life.board.reset):
        lose_power()
        life.time.run_for(1)
        assert life.file("/failed")[:3] == b"fg\x04"
    life.until_log("application on trial in slot b dropped, 5 starts failed")
    assert life.starts == {"power_on": 4, "hard": 5}


@pytest.mark.timeout(60)
def test_power_that_flaps_is_no_failure_of_the_application(live):
    life = live({**build().files, **slot_files(build(), "b"), **choice("a", "b"), "/settings.new": b"{}"})
    life.gateway.deaf = True
    for at in range(12):
        life.time.run_for(3)
        (life.board.power_cut, life.board.brown_out, life.board.reset)[at % 3]()
    life.gateway.deaf = False
    life.until_good()
    assert not any("failed" in line for line in life.gateway.logs)
    assert life.file("/slot.json") == b'{"good": "b", "trial": null}\n'


@pytest.mark.timeout(60)
def test_a_crash_is_told_until_a_gateway_acknowledged_it(live):
    life = live({**build().files, "/crash.txt": b"crash in boot 3 after 9 s\nValueError: 3\n"})
    life.gateway.deaf = True
    life.time.run_for(60)
    assert life.file("/crash.txt") is not None
    life.gateway.deaf = False
    life.until_good()
    assert life.gateway.hellos[0].crash == "crash in boot 3 after 9 s: ValueError: 3"
    assert life.file("/crash.txt") is None


def test_a_node_left_in_the_repl_stays_there_for_an_hour_and_then_measures_again(live):
    life = live(build().files)
    life.until_good()
    life.board.type(b"\x03")
    life.time.run_until(lambda: b">>> " in life.said, 10)
    life.time.run_for(3500)
    assert life.starts == {"power_on": 1}
    assert life.file("/crash.txt") is None  # the heart does not beat in the REPL, and nobody minds
    life.time.run_for(200)
    assert life.starts == {"power_on": 1, "watchdog": 1}
    assert life.file("/failed") is None


def test_a_second_ctrl_c_right_behind_the_first_leaves_an_hour_too(live):
    life = live({**build().files, "/launch.mpy": launcher_with(INTERRUPTED_ONCE)})
    life.until_good()
    life.board.type(b"\x03")
    life.time.run_until(lambda: b">>> " in life.said, 10)
    life.time.run_for(1800)
    assert life.starts == {"power_on": 1}


def test_a_soft_reset_into_the_raw_repl_as_mpremote_makes_it_leaves_an_hour_too(live):
    life = live(build().files)
    life.until_good()
    life.board.type(b"\x03")
    life.time.run_until(lambda: b">>> " in life.said, 10)
    life.board.type(b"\x01\x04")
    life.time.run_for(1800)
    assert life.starts == {"power_on": 1, "soft": 1}
    life.board.type(b"\x03import machine; machine.reset()\x04")
    life.time.run_for(30)
    assert life.starts == {"power_on": 1, "soft": 1, "hard": 1}
    assert life.file("/failed") is None
    assert not any("failed" in line for line in life.gateway.logs)


def test_without_launch_mpy_a_technician_has_the_repl_for_a_minute_again_and_again(live):
    files = build().files
    del files["/launch.mpy"]
    life = live(files)
    life.time.run_until(lambda: b"no module named 'launch'" in life.said and b">>> " in life.said, 10)
    life.until_starts(3, 130)
    assert life.starts == {"power_on": 1, "watchdog": 2}
