"""A gateway without a network, and a stick that goes home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import fieldgate
from hil_tests.bench import NOWHERE, SINK, Bench, eventually, judge
from hil_tests.dated import assert_honest, dated, errors_s, known
from hil_tests.gateway import GatewayProcess

pytestmark = [pytest.mark.hil, pytest.mark.timeout(60)]

BLOCKS = 40


def command(gateway: GatewayProcess, *arguments: str | Path) -> dict[str, object]:
    """What `fieldgate ... --json` prints for this gateway."""
    config = gateway.state.parent / "command.toml"
    names = f'name = "{gateway.name}"\nstate_directory = "{gateway.state}"'
    config.write_text(f'[gateway]\n{names}\n[[port]]\nglob = "/dev/none"\n', encoding="utf-8")
    result = CliRunner().invoke(fieldgate, [*map(str, arguments), "--config", str(config), "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout)
    return document


def test_what_was_measured_without_a_network_goes_home_on_a_stick(tmp_path: Path, bench: Bench) -> None:
    ports = tmp_path / "field-ports"
    ports.mkdir()
    field = GatewayProcess(tmp_path / "field", name="field", ports=f"{ports}/tty*", brokers={SINK: NOWHERE})
    stick = tmp_path / "stick.fieldgate.gz"
    node = bench.node(plugged=False)
    (ports / "tty1").symlink_to(node.board.port)
    field.start()
    try:
        field.wait_for(lambda status: [each.clock for each in status.nodes] == ["resolved"], 20)
        field.wait_for(lambda status: status.store.stored >= BLOCKS, 20)
        temperatures = node.truth.temperatures()
        node.board.kill()
        assert command(field, "ledger")["holds"]
        field.stop()  # what is known of the node's clock may be five seconds late on disk
        exported = command(field, "store", "export", stick, "--waiting-for", SINK)
    finally:
        field.kill()

    home = bench.gateway
    bench.start_gateway()  # it makes the store that is there at home
    home.stop()
    imported = command(home, "store", "import", stick)
    assert imported["records"] == exported["records"]
    assert command(home, "store", "import", stick)["repeats"] == exported["records"]
    bench.start_gateway()
    eventually(lambda: node.cable.acknowledged() <= bench.received(), 20)
    bench.settle()
    judge(bench, node)
    air = known(dated(bench, "air_temperature"), temperatures)
    assert_honest(errors_s(air, "air_temperature", temperatures))
    assert {each.state for each in air[-5:]} == {"resolved"}
