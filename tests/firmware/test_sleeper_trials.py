"""A node that sleeps, with settings or an application on trial: decided before its next sleep."""

import json

import pytest

from provisioning.application import build
from tests.firmware.launched import choice, slot_files
from tests.firmware.sleeping import SETTINGS

TRIED = {**SETTINGS, "sleep": {"wake_ms": 6 * 3_600_000, "send_every": 10, "link_s": 10}}


def on_trial(life):
    """Its files, from the next start on."""
    life.board.kill()
    life.board.install({"/settings.new": json.dumps(TRIED).encode()})
    life.gateway.deaf = True
    life.board.start()


def test_settings_on_trial_are_tried_without_a_sleep_in_between_and_stay_after_a_contact(sleeping):
    life = sleeping()
    life.until_asleep()
    on_trial(life)
    life.time.run_for(60)
    assert life.board.pid is not None  # else it would be silent for six hours now
    assert life.file("/settings.new") is not None
    life.gateway.deaf = False
    life.until_asleep()
    assert json.loads(life.file("/settings.json")) == TRIED
    assert life.file("/settings.new") is None


def test_a_trial_that_nobody_hears_ends_in_its_time_however_long_the_sleep_would_be(sleeping):
    life = sleeping(send_every=1)
    life.until_asleep()
    before = life.file("/settings.json")
    on_trial(life)
    life.time.run_until(lambda: life.file("/settings.new") is None, 400)
    assert life.time.seconds == pytest.approx(300, abs=30)
    life.time.run_for(60)
    assert life.file("/settings.json") == before
    life.gateway.deaf = False
    life.run_wakes(2)
    assert any("settings on trial dropped" in hello.crash for hello in life.gateway.hellos)
    assert [boot >> 16 for boot in life.boots()] == [0, 1, 2]  # what was measured under trial came home


def test_an_application_on_trial_stays_after_a_contact(sleeping):
    life = sleeping()
    life.until_asleep()
    life.board.kill()
    life.board.install({**slot_files(build(), "b"), **choice("a", "b")})
    life.board.start()
    life.until_asleep()
    assert life.file("/slot.json") == b'{"good": "b", "trial": null}\n'
