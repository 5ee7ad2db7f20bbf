"""`fieldgate remote` beside a running agent: the command, its desk, and a node on a real line."""

import asyncio
import base64
import hashlib
import json

import pytest
from click.testing import CliRunner

from gateway.cli import fieldgate
from gateway.control import CONTROL_NAME, ControlServer, call
from gateway.failure import ExitCode
from gateway.link_state import LinkState
from gateway.remote_desk import RemoteDesk
from tests.gateway.echoing_line import until
from tests.gateway.line_fixtures import gateway, pair, running
from tests.gateway.wired_node import WiredNode
from tests.wire.chain import BOOT, UID
from wire import remote

__all__ = ["gateway", "pair"]

CONFIG = '[gateway]\nstate_directory = "{}"\n[[port]]\nglob = "/dev/nothing*"\n'
SETTINGS = b'{"node": {"name": "pier \x1b[2J", "site": "' + b"x" * 1200 + b'"}}\n'
WITH_SECRETS = b"""{"node": {"name": "pier 3"}, "link": {"via": "wifi",
 "wifi": {"ssid": "site", "key": "a secret"},
 "broker": {"host": "10.0.0.1", "user": "240ac4000001", "password": "another one"}}}
"""
NAME = UID.hex()


class Obedient:
    """What a node with these settings answers."""

    def __init__(self):
        self.orders = []
        self.settings = SETTINGS
        self.came = b""

    def __call__(self, order):
        if isinstance(order, remote.Chunk):
            self.came += order.octets
            return remote.Result(order.id, "more", len(self.came))
        self.orders.append((order.operation, order.arguments))
        match order.operation:
            case "settings":
                offset = order.arguments["offset"]
                piece = self.settings[offset : offset + 512]
                return remote.Result(order.id, "ok", [len(self.settings), piece])
            case "put":
                return remote.Result(order.id, "ok", 0)
            case "try":
                return remote.Result(order.id, "refused", "enough")
            case "maintenance" if order.arguments["seconds"] == 13:
                return remote.Result(order.id, "refused", "not \x1b[2J today")
            case "maintenance" if order.arguments["seconds"] == 14:
                return remote.Result(order.id, "unknown")
            case "maintenance" if order.arguments["seconds"] == 15:
                return remote.Result(order.id, "failed", "flash: errno 28")
            case "maintenance" if order.arguments["seconds"] == 16:
                return None
        return remote.Result(order.id, "ok")


class Site:
    """A gateway with a control socket, and one node."""

    def __init__(self, gateway, config, pair):
        self.gateway, self.config, self.pair = gateway, config, pair
        self.obedient = Obedient()
        self.socket = config.parent / CONTROL_NAME

    async def run(self, *arguments):
        command = ["remote", *arguments, "--config", str(self.config)]
        return await asyncio.to_thread(CliRunner().invoke, fieldgate, command)


@pytest.fixture
async def site(gateway, pair, short_path):
    config = short_path / "fieldgate.toml"
    config.write_text(CONFIG.format(short_path))
    desk = RemoteDesk(gateway.nodes)
    site = Site(gateway, config, pair)
    serving = asyncio.create_task(desk.run())
    async with (
        ControlServer(short_path / CONTROL_NAME, desk.operations()),
        gateway.line(pair) as line,
        running(WiredNode(pair, obey=site.obedient)),
    ):
        await until(lambda: line.state() is LinkState.OPEN)
        yield site
    serving.cancel()


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_nobody_is_shown_a_secret(site, caplog, options):
    site.obedient.settings = WITH_SECRETS
    result = await site.run(NAME, "settings", "show", *options)
    assert result.exit_code == ExitCode.OK
    shown = result.stdout
    if options:
        shown = base64.b64decode(json.loads(shown)["answer"]["settings"]).decode()
    expected = json.loads(WITH_SECRETS)
    expected["link"]["wifi"]["key"] = expected["link"]["broker"]["password"] = "********"
    assert json.loads(shown) == expected
    for secret in ("a secret", "another one"):
        assert secret not in result.output + caplog.text


async def test_what_was_hidden_stays_what_it_was(site, caplog, tmp_path):
    site.obedient.settings = WITH_SECRETS
    file = tmp_path / "settings.json"
    file.write_text((await site.run(NAME, "settings", "show")).stdout.replace("10.0.0.1", "10.0.0.2"))
    result = await site.run(NAME, "settings", "set", str(file))
    assert "refuses: enough" in result.stderr
    expected = json.loads(WITH_SECRETS)
    expected["link"]["broker"]["host"] = "10.0.0.2"
    assert json.loads(site.obedient.came) == expected
    put = next(arguments for operation, arguments in site.obedient.orders if operation == "put")
    assert put["sha256"] == hashlib.sha256(site.obedient.came).digest()
    for secret in ("a secret", "another one"):
        assert secret not in result.output + caplog.text


async def test_settings_in_which_a_secret_cannot_be_found_are_not_shown(site):
    site.obedient.settings = WITH_SECRETS[:-5]
    result = await site.run(NAME, "settings", "show", "--json")
    assert result.exit_code == ExitCode.FAULT
    assert json.loads(result.stdout)["fault"] == "settings_broken"
    assert "a secret" not in result.output


async def test_the_settings_are_printed_octet_by_octet(site):
    result = await site.run(NAME, "settings", "show")
    assert result.exit_code == ExitCode.OK
    assert result.stdout_bytes == SETTINGS
    assert [arguments["offset"] for _, arguments in site.obedient.orders] == [0, 512, 1024]


@pytest.mark.parametrize("name", [NAME.upper(), NAME[-4:]])
async def test_a_node_is_named_by_its_uid_or_the_end_of_it(site, name):
    result = await site.run(name, "maintenance", "600")
    assert (result.exit_code, result.stdout) == (ExitCode.OK, f"node {NAME}: parked for 600 s\n")
    assert site.obedient.orders == [("maintenance", {"seconds": 600})]


@pytest.mark.parametrize(
    ("seconds", "fault", "said"),
    [
        ("13", "refused", ("refuses: not \\x1b[2J today", "correct what the node names")),
        ("14", "unknown_operation", ("does not know this operation", "fieldgate node install PORT")),
        ("15", "node_failed", ("could not do it: flash: errno 28", "again")),
        ("16", "no_answer", ("does not answer", "fieldgate node install PORT")),
    ],
)
async def test_what_the_node_will_not_do_is_said_with_its_words_and_the_next_step(
    site, monkeypatch, seconds, fault, said
):
    monkeypatch.setattr("gateway.orders.COMMAND_TIMEOUT_S", 0.1)
    result = await site.run(NAME, "maintenance", seconds)
    assert (result.exit_code, result.stdout) == (ExitCode.FAULT, "")
    words, step = said
    assert words in result.stderr
    assert step in result.stderr.splitlines()[-1]
    told = json.loads((await site.run(NAME, "maintenance", seconds, "--json")).stdout)
    assert (told["state"], told["fault"]) == ("failed", fault)


async def test_a_node_that_nobody_heard_is_an_error_that_says_where_the_nodes_are(site):
    result = await site.run("ffff", "reset")
    assert result.exit_code == ExitCode.FAULT
    assert "no node ffff was heard since the start" in result.stderr
    assert "fieldgate status" in result.stderr


async def test_a_node_without_a_line_is_not_linked(site):
    gone = site.gateway.nodes.meet(b"\x24\x0a\xc4\x99\x99\x99").name
    result = await site.run(gone, "maintenance", "5")
    assert result.exit_code == ExitCode.FAULT
    assert "is not linked" in result.stderr


async def test_a_reset_ends_with_the_hello_of_the_next_boot(site):
    asking = asyncio.create_task(site.run(NAME, "reset", "--json"))
    await until(lambda: site.obedient.orders)
    assert not asking.done()
    async with running(WiredNode(site.pair, boot=BOOT + (1 << 16))):
        result = await asking
    assert json.loads(result.stdout)["answer"] == {"boot": BOOT + (1 << 16), "reset": "power_on"}


async def test_a_person_is_told_the_number_that_the_status_shows(site):
    asking = asyncio.create_task(site.run(NAME, "reset"))
    await until(lambda: site.obedient.orders)
    async with running(WiredNode(site.pair, boot=7 << 16 | 513)):
        assert (await asking).stdout == f"node {NAME} is back: boot 7\n"


async def test_a_node_does_one_thing_at_a_time_and_the_same_again_is_looked_at_together(site):
    first = asyncio.create_task(site.run(NAME, "reset", "--json"))
    await until(lambda: site.obedient.orders)
    other = await site.run(NAME, "maintenance", "5")
    assert other.exit_code == ExitCode.FAULT
    assert "busy: reset is not done" in other.stderr
    again = await asyncio.to_thread(call, site.socket, "remote.start", node=NAME[-6:], do="reset")
    async with running(WiredNode(site.pair, boot=BOOT + (1 << 16))):
        errand = json.loads((await first).stdout)
    assert (again["errand"], again["state"]) == (errand["errand"], "running")
    assert errand["state"] == "done"
    assert len(site.obedient.orders) == 1


async def test_a_damaged_application_does_not_reach_the_node(site, tmp_path):
    file = tmp_path / "application"
    file.write_bytes(b"fieldgate application 1 6 0.1.0\nwire/cbor.mpy 99\n" + bytes(100_000))
    result = await site.run(NAME, "update", str(file))
    assert (result.exit_code, site.obedient.orders) == (ExitCode.FAULT, [])
    assert "this is no application for a node" in result.stderr
    assert "fieldgate node package" in result.stderr


async def test_without_an_agent_it_ends_with_the_exit_code_for_that(tmp_path):
    config = tmp_path / "fieldgate.toml"
    config.write_text(CONFIG.format(tmp_path))
    command = ["remote", NAME, "reset", "--config", str(config)]
    result = await asyncio.to_thread(CliRunner().invoke, fieldgate, command)
    assert result.exit_code == ExitCode.NO_AGENT
