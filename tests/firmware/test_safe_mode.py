"""What a node in safe mode can still be helped with over its link: that is what safe mode is for."""

import json

import pytest

from provisioning.application import build
from provisioning.package import package
from tests.firmware.launched import BME280_CRASHES, with_mistake
from tests.firmware.remote_life import RemoteLife

pytestmark = pytest.mark.timeout(90)
BOTH = {"groups": [{"name": "all", "sensors": [0, 1], "period_ms": 500, "scans": 2}]}
WITHOUT_IT = {
    "sensors": [{"driver": "hx711"}],
    "groups": [{"name": "load", "sensors": [0], "period_ms": 500}],
}


@pytest.fixture
def life(tmp_path):
    files = with_mistake(drivers_bme280=BME280_CRASHES).files
    life = RemoteLife(tmp_path, {**files, "/settings.json": json.dumps(BOTH).encode()})
    life.piece = 105
    life.until_log("safe mode, no sensors", 300)
    yield life
    life.close()


def test_new_settings_are_tried_and_kept(life):
    wanted = json.dumps(WITHOUT_IT).encode()
    life.try_out("settings", wanted)
    life.time.run_for(40)
    assert life.file("/settings.json") == wanted
    assert life.gateway.records


def test_an_application_without_the_mistake_is_tried_and_kept(life):
    life.try_out("application", package(build()))
    life.time.run_for(40)
    assert json.loads(life.file("/slot.json")) == {"good": "b", "trial": None}
    assert life.gateway.records
