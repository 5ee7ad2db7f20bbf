"""Wi-Fi that does not even begin, or whose code has a mistake: the readings go on."""

import json

import pytest

from hil_tests.stock_image import umqtt
from provisioning.application import build
from tests.firmware.launched import Life, with_mistake

pytestmark = pytest.mark.timeout(60)
GROUPS = [{"name": "all", "sensors": [0, 1], "period_ms": 500, "scans": 2}]
CRASHES = """

async def _crash(self):
    raise ValueError("a packet too many")

WifiClient.read = _crash
"""
WAYS = {"wifi": {"ssid": "site", "key": "a secret"}, "broker": {"host": "broker.local"}}


def settings(via):
    return {"/settings.json": json.dumps({"groups": GROUPS, "link": {"via": via, **WAYS}}).encode()}


@pytest.fixture
def live(tmp_path):
    lives = []

    def live(via, files):
        lives.append(Life(tmp_path, {**files, **settings(via)}))
        return lives[-1]

    yield live
    for life in lives:
        life.close()


NO_UMQTT = build().files
MISTAKE = {**with_mistake(firmware_wifi_client=CRASHES).files, **umqtt()}


@pytest.mark.parametrize("files", [NO_UMQTT, MISTAKE], ids=["no umqtt", "mistake"])
def test_the_cable_beside_it_works_on(live, files):
    life = live(["console", "wifi"], files)
    life.until_good()
    before = len(life.gateway.records)
    life.time.run_for(120)
    assert len(life.gateway.records) - before > 100
    assert life.starts == {"power_on": 1}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (NO_UMQTT, b"wifi: ImportError(\"no module named 'umqtt'\",)"),
        (MISTAKE, b"wifi: ValueError('a packet too many',)"),
    ],
    ids=["no umqtt", "mistake"],
)
def test_alone_it_says_so_again_and_again_and_the_readings_are_kept(live, files, said):
    life = live("wifi", files)
    life.time.run_for(150)
    assert life.said.count(said) == 3
    assert life.starts == {"power_on": 1}
    life.board.kill()
    life.board.install(settings("console"))
    life.board.start()
    life.until_good()
    assert {record.boot >> 16 for record in life.gateway.records} == {0, 1}
