"""Nodes that nobody can reach but over Wi-Fi: what fails there must be mended from there."""

from __future__ import annotations

import json
from binascii import crc32

import pytest

from hil_tests.bench import SETTINGS, Bench, eventually, judge
from hil_tests.mistaken import BME280_CRASHES, with_mistake
from hil_tests.remote import as_file, remote
from hil_tests.site import Site
from provisioning.application import build
from provisioning.package import package

pytestmark = [pytest.mark.hil, pytest.mark.timeout(90)]

NINE_STARTS_FAILED = b"fg\x09\x00" + crc32(b"fg\x09\x00").to_bytes(4, "big")  # docs/architecture.md


@pytest.fixture
def bench(wifi_bench: Bench) -> Bench:
    return wifi_bench


def test_a_node_in_safe_mode_says_why_shows_its_settings_and_takes_an_application(
    bench: Bench, site: Site
) -> None:
    node = bench.node(settings=site.link(), plugged=False, access_point=site.access_point)
    node.board.kill()
    crashing = with_mistake(drivers_bme280=BME280_CRASHES).files
    node.board.install({**crashing, "/failed": NINE_STARTS_FAILED})
    bench.start_gateway()
    node.board.start()
    eventually(lambda: "safe mode, no sensors" in bench.gateway.log(), 30)
    eventually(lambda: "heap free" in bench.gateway.log(), 10)

    shown = remote(bench, node, "settings", "show")
    assert json.loads(shown.stdout)["link"]["wifi"] == {"ssid": "site", "key": "********"}, shown.stderr

    path = bench.gateway.state.parent / "application"
    path.write_bytes(package(build()))
    updated = remote(bench, node, "update", str(path))
    assert (updated.returncode, "keeps it" in updated.stdout) == (0, True), updated.stderr
    assert json.loads(node.board.read_file("/slot.json")) == {"good": "b", "trial": None}
    eventually(lambda: len(bench.received()) >= 5, 20)
    bench.settle()
    site.listen(node)
    judge(bench, node)
    assert "a secret" not in bench.gateway.log()


def test_a_wrong_key_of_the_wifi_costs_a_trial_and_no_reading(bench: Bench, site: Site) -> None:
    node = bench.node(settings=site.link(), plugged=False, access_point=site.access_point)
    bench.start_gateway()
    eventually(bench.received, 30)
    before = node.board.read_file("/settings.json")
    wrong = json.loads(before)
    wrong["link"]["wifi"]["key"] = "another one"
    back = remote(bench, node, "settings", "set", as_file(bench, wrong), "--within", "10", "--json")
    assert (back.returncode, json.loads(back.stdout)["fault"]) == (1, "went_back"), back.stdout
    assert node.board.read_file("/settings.json") == before
    # What the boot that had no network measured comes home from seq 0 on.
    eventually(lambda: len({row.of.boot for row in bench.rows()}) == 3, 30)
    unheard = sorted({row.of.boot for row in bench.rows()})[1]
    assert [row.seq for row in bench.rows() if row.of.boot == unheard][:3] == [0, 1, 2]
    assert "another one" not in bench.gateway.log()


def test_a_node_is_moved_from_its_cable_to_the_wifi_and_no_record_is_lost(bench: Bench, site: Site) -> None:
    node = bench.node(settings=SETTINGS, access_point=site.access_point)
    bench.start_gateway()
    eventually(bench.received, 30)
    wanted = {"node": {"name": node.name}, **site.link()}
    kept = remote(bench, node, "settings", "set", as_file(bench, wanted))
    assert (kept.returncode, "keeps them" in kept.stdout) == (0, True), kept.stderr
    bench.gateway.wait_for(lambda status: status.nodes[0].port == f"{site.broker.url}/{node.uid}")
    before = len(bench.received())
    eventually(lambda: len(bench.received()) > before, 20)
    bench.settle()
    site.listen(node)
    judge(bench, node)
