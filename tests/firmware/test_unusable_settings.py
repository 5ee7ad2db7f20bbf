"""Whatever stands in the settings, the node starts, says what is wrong, and can be given others."""

import json

import pytest

from provisioning.application import build
from provisioning.package import package
from tests.firmware.launched import Life, with_mistake
from tests.firmware.remote_life import RemoteLife

pytestmark = pytest.mark.timeout(60)
KEY_IS_A_NUMBER = b'{1: 2, "queue_octets": 4096}'  # MicroPython's json takes it
LONG_KEY = json.dumps({"\N{GREEK SMALL LETTER ALPHA}" * 1000: 1}, ensure_ascii=False).encode()
ODD = json.dumps({"node": {"name": "odd"}}).encode()
# A mistake in the code that reads them, as far as a test can make one.
FAILS_ON_ODD = """

_load = load

def load(path):
    loaded = _load(path)
    if loaded.node["name"] == "odd":
        raise RuntimeError("what nobody thought of")
    return loaded
"""


@pytest.fixture
def live(tmp_path):
    lives = []

    def live(files, kind=Life):
        lives.append(kind(tmp_path, files))
        return lives[-1]

    yield live
    for life in lives:
        life.close()


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (KEY_IS_A_NUMBER, "1: a key that is no text"),
        (LONG_KEY, "defaults in use, settings: \N{GREEK SMALL LETTER ALPHA}"),
        (ODD, "settings.json: RuntimeError('what nobody thought of',)"),
    ],
)
def test_in_force_they_are_named_and_the_defaults_measure(live, octets, said):
    files = with_mistake(firmware_settings=FAILS_ON_ODD).files
    life = live({**files, "/settings.json": octets})
    assert said in life.until_log("defaults in use")
    life.until_good()
    assert life.starts == {"power_on": 1}


def test_on_trial_they_are_dropped_at_once(live):
    files = with_mistake(firmware_settings=FAILS_ON_ODD).files
    life = live({**files, "/settings.json": b"{}", "/settings.new": ODD})
    assert "RuntimeError" in life.until_log("settings on trial dropped")
    life.until_good()
    assert (life.starts, life.file("/settings.new")) == ({"power_on": 1}, None)


@pytest.mark.parametrize(
    ("octets", "status", "said"),
    [
        (KEY_IS_A_NUMBER, "refused", "1: a key that is no text"),
        (LONG_KEY, "refused", "\N{GREEK SMALL LETTER ALPHA}"),
        (ODD, "failed", "what nobody thought of"),
    ],
)
def test_over_the_link_the_answer_says_so_and_the_readings_go_on(live, octets, status, said):
    life = live(with_mistake(firmware_settings=FAILS_ON_ODD).files, RemoteLife)
    life.until_good()
    answer = life.put("settings", octets)
    assert (answer[0], said in answer[1]) == (status, True), answer
    before = len(life.gateway.records)
    life.time.run_for(5)
    assert len(life.gateway.records) > before
    assert life.starts == {"power_on": 1}


def test_a_package_that_is_nonsense_behind_its_head_is_an_answer_too(live):
    whole = package(build())
    octets = whole[: whole.index(b"\n") + 1] + b"firmware/app.mpy none\n"
    life = live(build().files, RemoteLife)
    life.until_good()
    assert life.put("application", octets) == ("ok", len(octets))
    status, words = life.ask("try", what="application", seconds=300)
    assert (status, "ValueError" in words) == ("failed", True), words
    life.time.run_for(5)
    assert life.starts == {"power_on": 1}
