"""What becomes of a task that hangs, on an emulated board."""

import json

import pytest

from tests.firmware.launched import HX711_HANGS, Life, with_mistake

OFTEN_AND_SELDOM = {
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 100, "scans": 10},
        {"name": "load", "sensors": [1], "period_ms": 3000, "scans": 1},
    ]
}
GROUP_1_WAITS_FOR_EVER = """

_scan = Sampler._scan

async def _lost(self, *arguments):
    if self._group == 1:
        await asyncio.Event().wait()
    await _scan(self, *arguments)

Sampler._scan = _lost
"""


GROUP_1_IS_LATE_ONCE = """

_scan = Sampler._scan
_late = [1]

async def _once(self, *arguments):
    if self._group == 1 and _late:
        _late.pop()
        await asyncio.sleep(40)
    await _scan(self, *arguments)

Sampler._scan = _once
"""


@pytest.fixture
def live(tmp_path):
    lives = []

    def live(files):
        lives.append(Life(tmp_path, files))
        return lives[-1]

    yield live
    for life in lives:
        life.close()


@pytest.mark.timeout(60)
def test_a_task_that_holds_the_processor_is_named_and_the_watchdog_bites(live):
    life = live(
        {
            **with_mistake(drivers_hx711=HX711_HANGS).files,
            "/settings.json": json.dumps(OFTEN_AND_SELDOM).encode(),
        }
    )
    life.time.run_until(lambda: life.gateway.hellos and life.gateway.hellos[-1].crash, 200)
    assert life.gateway.hellos[-1].crash.startswith("task hung: group 1 in boot 0 after ")
    assert life.gateway.hellos[-1].reset == "watchdog"
    assert life.file("/failed")[:3] == b"fg\x01"


@pytest.mark.timeout(60)
def test_a_task_that_waits_for_ever_is_named_while_the_others_go_on(live):
    life = live(with_mistake(firmware_sampler=GROUP_1_WAITS_FOR_EVER).files)
    life.time.run_until(lambda: life.gateway.hellos and life.gateway.hellos[-1].crash, 200)
    assert life.gateway.hellos[-1].crash.startswith("task hung: group 1 in boot 0 after ")
    assert life.gateway.hellos[-1].reset == "watchdog"


def test_a_task_that_goes_on_after_all_is_no_end_of_this_boot(live):
    life = live(with_mistake(firmware_sampler=GROUP_1_IS_LATE_ONCE).files)
    life.time.run_for(35)
    assert life.file("/crash.txt").startswith(b"task hung: group 1 in boot 0 after ")
    life.time.run_for(85)
    assert (life.starts, life.file("/crash.txt")) == ({"power_on": 1}, None)
    life.board.power_cut()
    life.time.run_for(20)
    assert {hello.crash for hello in life.gateway.hellos} == {""}
