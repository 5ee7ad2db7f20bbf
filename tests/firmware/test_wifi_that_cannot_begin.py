"""Wi-Fi that does not even begin, for its MicroPython has no umqtt: the readings go on."""

import json

import pytest

from provisioning.application import build
from tests.firmware.launched import Life

pytestmark = pytest.mark.timeout(60)
GROUPS = [{"name": "all", "sensors": [0, 1], "period_ms": 500, "scans": 2}]
WAYS = {"wifi": {"ssid": "site", "key": "a secret"}, "broker": {"host": "broker.local"}}


def settings(via):
    return {"/settings.json": json.dumps({"groups": GROUPS, "link": {"via": via, **WAYS}}).encode()}


@pytest.fixture
def live(tmp_path):
    lives = []

    def live(via):
        lives.append(Life(tmp_path, {**build().files, **settings(via)}))
        return lives[-1]

    yield live
    for life in lives:
        life.close()


def test_the_cable_beside_it_works_on(live):
    life = live(["console", "wifi"])
    life.until_good()
    before = len(life.gateway.records)
    life.time.run_for(120)
    assert len(life.gateway.records) - before > 100
    assert life.starts == {"power_on": 1}


def test_alone_it_says_so_again_and_again_and_the_readings_are_kept(live):
    life = live("wifi")
    life.time.run_for(150)
    assert life.said.count(b"wifi: ImportError(\"no module named 'umqtt'\",)") == 3
    assert life.starts == {"power_on": 1}
    life.board.kill()
    life.board.install(settings("console"))
    life.board.start()
    life.until_good()
    assert {record.boot >> 16 for record in life.gateway.records} == {0, 1}
