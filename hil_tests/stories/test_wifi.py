"""A node over Wi-Fi: the same promises through an access point and the gateway's local broker."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from hil_tests.bench import Bench, eventually, judge
from hil_tests.dated import assert_honest, dated, errors_s, known
from hil_tests.interpreters import program
from hil_tests.site import Site

pytestmark = [pytest.mark.hil, pytest.mark.timeout(120)]

AWAY_S = 20.0
SILENT_S = 40.0  # within it: 25, and what a busy machine adds
ACL = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto-fieldgate.acl"
NODE_USER = "240ac4000001"
USEFUL_S = 0.1
KILLS = 4


@pytest.fixture
def bench(wifi_bench: Bench) -> Bench:
    return wifi_bench


def flows(bench: Bench, more: int = 10, timeout_s: float = 40.0) -> None:
    """Wait until so many more blocks than now have arrived."""
    before = len(bench.received())
    eventually(lambda: len(bench.received()) >= before + more, timeout_s)


def seqs_are_whole(bench: Bench) -> None:
    """Every seq from 0 on is in the store, once, and the subscriber got it."""
    bench.settle()
    by_stream: dict[object, list[int]] = {}
    for row in bench.rows():
        assert row.kind == 3  # a BLOCK: a GAP would be a loss
        by_stream.setdefault(row.of, []).append(row.seq)
    assert by_stream
    for seqs in by_stream.values():
        assert seqs == list(range(len(seqs)))
    assert bench.received() == {row.identity for row in bench.rows()}


def test_a_reading_arrives_over_wifi_with_value_and_time(tmp_path: Path) -> None:
    """The broker is the documented one: with passwords, and no topic but its own for a node."""
    passwords, secret = tmp_path / "passwd", tmp_path / "gateway.secret"
    passwords.touch()
    for user, password in (("gateway", "of the gateway"), (NODE_USER, "of the node")):
        subprocess.run([program("mosquitto_passwd"), "-b", passwords, user, password], check=True)
    secret.write_text("of the gateway\n")
    strict = f"allow_anonymous false\npassword_file {passwords}\nacl_file {ACL}\n"
    with Site(tmp_path, strict, heard=False) as site:
        login = f'user = "gateway"\npassword_file = "{secret}"\n'
        with Bench(tmp_path, settings=site.gateway(login)) as bench:
            link = site.link(user=NODE_USER, password="of the node")
            node = bench.node(settings=link, plugged=False, access_point=site.access_point)
            bench.start_gateway()
            node.truth.set_temperature(31.5)
            eventually(lambda: len(dated(bench, "air_temperature")) >= 12, 40)
            status = bench.gateway.status()
            assert status is not None
            assert [(port.path, port.state) for port in status.ports][-1:] == [(site.broker.url, "open")]
            assert status.nodes[0].port == f"{site.broker.url}/{node.uid}"
            temperatures = node.truth.temperatures()
            seqs_are_whole(bench)
            air = known(dated(bench, "air_temperature"), temperatures)
            assert_honest(errors_s(air, "air_temperature", temperatures))
            assert air[-1].state == "resolved"
            assert air[-1].uncertainty_s < USEFUL_S
            changed_s = next(each for each in temperatures if each.value == 31.5).utc_ns / 1e9
            for reading in (reading for each in air for reading in each.block.readings):
                is_sure = reading.value is not None and abs(reading.utc_s - changed_s) > USEFUL_S
                if reading.channel == "air_temperature" and is_sure:
                    expected = 31.5 if reading.utc_s > changed_s else 12.5
                    assert reading.value == pytest.approx(expected, abs=0.01)
            assert "of the node" not in bench.gateway.log()  # nor in the node's LOGs, which it has


def test_an_access_point_that_is_away_costs_nothing(bench: Bench, site: Site) -> None:
    node = bench.node(settings=site.link(), plugged=False, access_point=site.access_point)
    bench.start_gateway()
    flows(bench)
    node.board.set_access_point(up=False)
    time.sleep(AWAY_S)  # the station has lost its address by then, and with it the connection
    node.board.set_access_point(up=True)
    back_s = time.time()
    eventually(lambda: any(each.block.last_utc_s > back_s for each in dated(bench, "air_temperature")), 60)
    bench.settle()
    site.listen(node)
    judge(bench, node)
    assert node.cable.gaps() == set()


def test_a_broker_that_restarts_at_another_address_costs_nothing(bench: Bench, site: Site) -> None:
    bench.node(settings=site.link(), plugged=False, access_point=site.access_point)
    bench.start_gateway()
    flows(bench)
    site.broker.stop()
    site.access_point.names["broker.local"] = "127.0.0.9"  # nobody is there
    bench.gateway.wait_for(lambda status: status.ports[-1].state == "lost")
    site.broker.start()
    bench.gateway.wait_for(lambda status: status.ports[-1].state == "open", 60)
    before = len(bench.received())
    time.sleep(3)  # the node has asked for the name, and found nobody
    assert len(bench.received()) - before <= 10
    site.access_point.names["broker.local"] = "127.0.0.1"
    flows(bench, 40)
    seqs_are_whole(bench)


def test_a_broker_that_is_there_and_says_nothing_is_noticed(bench: Bench, site: Site) -> None:
    node = bench.node(settings=site.link(), plugged=False, access_point=site.access_point)
    said = bytearray()
    node.board.on_octets(lambda way, octets, _: said.extend(octets if way == "up" else b""))
    bench.start_gateway()
    flows(bench)
    site.broker.pause()
    eventually(lambda: b"wifi: OSError('the broker is silent'" in said, SILENT_S)
    site.broker.resume()
    flows(bench)
    seqs_are_whole(bench)


def test_cable_and_wifi_together_store_nothing_twice(bench: Bench, site: Site) -> None:
    node = bench.node(settings=site.link(["console", "wifi"]), access_point=site.access_point)
    cable, air = str(bench.ports / "tty1"), f"{site.broker.url}/{node.uid}"
    bench.start_gateway()

    def is_on(port: str) -> None:
        bench.gateway.wait_for(
            lambda status: (
                [(each.port, each.link, each.clock) for each in status.nodes] == [(port, "open", "resolved")]
            ),
            40,
        )
        flows(bench)

    is_on(cable)
    bench.unplug(node, "tty1")
    is_on(air)
    node.board.plug()
    bench.plug(node, "tty1")
    is_on(cable)
    site.broker.stop()
    flows(bench)
    site.broker.start()
    flows(bench)
    status = bench.gateway.status()
    assert status is not None
    assert status.counters["node_moved"] >= 1
    assert "uid_twice" not in status.counters
    bench.settle()
    site.listen(node)
    judge(bench, node)
    assert node.cable.gaps() == set()
    assert len({hello.boot for hello in node.cable.hellos()}) == 1


def test_a_killed_gateway_loses_nothing_that_it_acknowledged_over_wifi(bench: Bench, site: Site) -> None:
    node = bench.node(settings=site.link(), plugged=False, access_point=site.access_point)
    for _ in range(KILLS):
        bench.start_gateway()
        flows(bench, 3)
        bench.gateway.kill()
        site.listen(node)
        assert node.cable.acknowledged() <= {row.identity for row in bench.rows()}
    bench.start_gateway()
    flows(bench)
    bench.settle()
    site.listen(node)
    judge(bench, node)
    assert node.cable.gaps() == set()
