import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from gateway.config import (
    MAX_PORTS,
    MAX_SINKS,
    ClockConfig,
    Config,
    ConfigError,
    GatewayConfig,
    InvalidConfig,
    LogConfig,
    MqttSinkConfig,
    PortConfig,
    StoreConfig,
    load,
    parse,
)
from gateway.config_values import host_name
from gateway.toml_table import settings

EXAMPLE = Path(__file__).parents[2] / "deploy" / "fieldgate.toml"
PORT = '[[port]]\nglob = "/dev/ttyUSB*"\n'
SINK = '[[sink.mqtt]]\nurl = "mqtt://broker"\n'
PATH = Path("config.toml")


def refusal(text):
    """The one sentence with which the text is refused."""
    with pytest.raises(InvalidConfig) as caught:
        parse(text, PATH)
    assert len(caught.value.errors) == 1
    return str(caught.value)


def test_the_smallest_configuration_has_every_default():
    config = parse(PORT, PATH)
    assert config.ports == (PortConfig(glob="/dev/ttyUSB*", baud=115_200, window=8_192),)
    assert config.gateway == GatewayConfig(name=host_name(), state_directory=Path("/var/lib/fieldgate"))
    assert config.store == StoreConfig(group_commit_ms=20)
    assert config.clock == ClockConfig(assume_synchronised=False, time_period_s=10)
    assert config.mqtt_sinks == ()
    assert config.log == LogConfig(level="info")


def test_every_key_is_read(tmp_path):
    text = """
        [gateway]
        name = "north_pylon-2"
        state_directory = "state"
        [[port]]
        glob = "/dev/ttyUSB*"
        baud = 921600
        window = 4096
        [[port]]
        glob = "/dev/ttyACM0"
        [store]
        group_commit_ms = 250
        [clock]
        assume_synchronised = true
        time_period_s = 60
        [[sink.mqtt]]
        name = "head-office"
        url = "mqtts://broker.example:8884"
        user = "u"
        password_file = "secret"
        ca_file = "/etc/ca.pem"
        client_id = "me"
        window = 100
        keepalive_s = 60
        ack_timeout_s = 5
        unsynchronised = "send"
        provisional_after_s = 0
        [log]
        level = "debug"
    """
    config = parse(text, tmp_path / "fieldgate.toml")
    assert config == Config(
        gateway=GatewayConfig(name="north_pylon-2", state_directory=tmp_path / "state"),
        ports=(
            PortConfig(glob="/dev/ttyUSB*", baud=921_600, window=4_096),
            PortConfig(glob="/dev/ttyACM0"),
        ),
        store=StoreConfig(group_commit_ms=250),
        clock=ClockConfig(assume_synchronised=True, time_period_s=60),
        mqtt_sinks=(
            MqttSinkConfig(
                name="head-office",
                url="mqtts://broker.example:8884",
                user="u",
                password_file=tmp_path / "secret",
                ca_file=Path("/etc/ca.pem"),
                client_id="me",
                window=100,
                keepalive_s=60,
                ack_timeout_s=5,
                unsynchronised="send",
                provisional_after_s=0,
            ),
        ),
        log=LogConfig(level="debug"),
    )


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("mqtt://broker", "broker", 1883, False),
        ("mqtts://broker/", "broker", 8883, True),
        ("mqtt://192.168.1.5:2000", "192.168.1.5", 2000, False),
        ("mqtts://[fe80::1]:8883", "fe80::1", 8883, True),
    ],
)
def test_a_broker_url_gives_host_port_and_tls(url, host, port, tls):
    sink = parse(PORT + f'[[sink.mqtt]]\nurl = "{url}"', PATH).mqtt_sinks[0]
    assert (sink.host, sink.port, sink.tls) == (host, port, tls)


def test_client_ids_of_two_sinks_differ_by_default():
    text = '[gateway]\nname = "gw"\n' + PORT + SINK + SINK + 'name = "second"\n'
    first, second = parse(text, PATH).mqtt_sinks
    assert (first.client_id, second.client_id) == ("fieldgate-gw", "fieldgate-gw-second")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[gateway]\n\n" + PORT + "\n\nbaudrate = 9600\n",
            "config.toml:7: unknown key 'baudrate' in [[port]]; did you mean 'baud'?",
        ),
        (
            PORT + "[store]\nsync = true",
            "config.toml:4: unknown key 'sync' in [store]; it takes group_commit_ms",
        ),
        (PORT + "[sotre]\ngroup_commit_ms = 1", "config.toml:3: unknown key 'sotre'; did you mean 'store'?"),
        (
            PORT + SINK.replace("mqtt]", "mqqt]"),
            "config.toml:3: unknown key 'mqqt' in [sink]; did you mean 'mqtt'?",
        ),
        (
            PORT + "baud = 'fast'",
            "config.toml:3: baud in [[port]] must be an integer from 9600 to 4000000, not the string 'fast'",
        ),
        (
            PORT + "baud = true",
            "config.toml:3: baud in [[port]] must be an integer from 9600 to 4000000, not true",
        ),
        (
            PORT + "[store]\ngroup_commit_ms = 251",
            "config.toml:4: group_commit_ms in [store] must be an integer from 1 to 250, not 251",
        ),
        (
            PORT + "[store]\ngroup_commit_ms = 20.0",
            "config.toml:4: group_commit_ms in [store] must be an integer from 1 to 250, not 20.0",
        ),
        (
            PORT + "[clock]\nassume_synchronised = 1",
            "config.toml:4: assume_synchronised in [clock] must be true or false, not 1",
        ),
        (
            PORT + SINK + "unsynchronised = 'drop'",
            "config.toml:5: unsynchronised in [[sink.mqtt]] must be 'wait' or 'send', not the string 'drop'",
        ),
        (
            PORT + "[gateway]\nname = 'a/b'",
            "config.toml:4: name in [gateway] must be 1 to 64 of A-Z a-z 0-9 _ -, not the string 'a/b'",
        ),
        (
            PORT + "[gateway]\nstate_directory = []",
            "config.toml:4: state_directory in [gateway] must be a path, not an array",
        ),
        ("[[port]]\nbaud = 9600", "config.toml:1: [[port]] has no key 'glob', which it must have"),
        (PORT + "[[sink.mqtt]]", "config.toml:3: [[sink.mqtt]] has no key 'url', which it must have"),
        ("", "config.toml: there is no [[port]]; add one with the glob of the nodes' ports"),
        (
            "[port]\nglob = '/dev/ttyUSB*'",
            "config.toml:1: [[port]] must stand in double brackets: there may be several",
        ),
        (PORT + "[[store]]", "config.toml:3: [store] must be one table, in single brackets"),
        (
            PORT + PORT,
            "config.toml:4: glob '/dev/ttyUSB*' in [[port]] is taken by an earlier [[port]]",
        ),
        (
            PORT + SINK + SINK,
            "config.toml:5: name 'mqtt' in [[sink.mqtt]] is taken by an earlier [[sink.mqtt]]",
        ),
        (
            PORT + SINK + "ca_file = 'ca.pem'",
            "config.toml:5: ca_file does nothing with mqtt://; the url must be mqtts://",
        ),
        (
            PORT + SINK + "password_file = 'x'",
            "config.toml:5: password_file in [[sink.mqtt]] needs the key user",
        ),
        (
            PORT + "baud 9600",
            "config.toml:3: is not valid TOML, column 6: expected '=' after a key in a key/value pair",
        ),
        (PORT + 'x = "', "config.toml:3: is not valid TOML, at the end of the file: unterminated string"),
        (PORT + "glob = 1\n", "config.toml:3: is not valid TOML, column 9: the key is already there"),
    ],
)
def test_a_mistake_is_one_clear_sentence_with_its_line(text, sentence):
    assert refusal(text) == sentence


@pytest.mark.parametrize(
    "url",
    [
        "broker",
        "http://broker",
        "mqtt://",
        "mqtt://h:0",
        "mqtt://h:99999",
        "mqtt://h/p",
        "mqtt://h h",
        "mqtt://[1",
    ],
)
def test_a_url_that_is_no_brokers_is_refused(url):
    sentence = refusal(PORT + f'[[sink.mqtt]]\nurl = "{url}"')
    assert sentence.startswith(
        "config.toml:4: url in [[sink.mqtt]] must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"
    )


def test_a_secret_in_the_url_is_refused_and_not_shown():
    sentence = refusal(PORT + '[[sink.mqtt]]\nurl = "mqtt://me:hunter2@broker"')
    assert "password_file" in sentence
    assert "hunter2" not in sentence


def test_all_mistakes_are_reported_at_once_each_with_its_place():
    text = '[gateway]\nnam = "x"\n[[port]]\nbaud = 1\n[store]\ngroup_commit_ms = 0\n[loge]\n'
    with pytest.raises(InvalidConfig) as caught:
        parse(text, PATH)
    errors = caught.value.errors
    assert [(error.line, error.key) for error in errors] == [
        (2, "gateway.nam"),
        (3, "port.0"),
        (4, "port.0.baud"),
        (6, "store.group_commit_ms"),
        (7, "loge"),
    ]
    assert all(isinstance(error, ConfigError) and error.path == PATH for error in errors)
    assert str(caught.value) == "\n".join(str(error) for error in errors)


def test_windows_line_ends_do_not_shift_lines():
    assert refusal((PORT + "\n\nbaudrate = 1\n").replace("\n", "\r\n")).startswith("config.toml:5:")


@pytest.mark.parametrize(("limit", "table"), [(MAX_PORTS, "[[port]]"), (MAX_SINKS, "[[sink.mqtt]]")])
def test_the_number_of_tables_is_limited(limit, table):
    key = "glob = '/dev/tty{}'" if table == "[[port]]" else "url = 'mqtt://h'\nname = 'n{}'"
    tables = [f"{table}\n{key.format(number)}\n" for number in range(limit + 1)]
    start = "" if table == "[[port]]" else PORT
    parse(start + "".join(tables[:-1]), PATH)
    assert f"{table} may be there {limit} times, not {limit + 1}" in refusal(start + "".join(tables))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    path = tmp_path / "none.toml"
    with pytest.raises(InvalidConfig) as caught:
        load(path)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_a_folder_is_no_configuration(tmp_path):
    with pytest.raises(InvalidConfig, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[gateway]\nname = 'Br\xfccke'\n")
    with pytest.raises(InvalidConfig) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2: is not UTF-8 text: octet 0xFC"


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf" + PORT.encode())
    assert load(path).ports[0].glob == "/dev/ttyUSB*"


def test_relative_paths_count_from_the_files_folder_wherever_one_stands(tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text(PORT + SINK + "user='u'\npassword_file = 'secret'", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load(Path("c.toml")).mqtt_sinks[0].password_file == tmp_path / "secret"


def test_the_hosts_name_is_always_fit_for_a_topic():
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", host_name())


def test_the_example_is_valid_as_it_is():
    config = load(EXAMPLE)
    assert [port.glob for port in config.ports] == ["/dev/serial/by-path/*-usb-*"]
    assert [sink.url for sink in config.mqtt_sinks] == ["mqtt://localhost"]


def test_the_example_shows_every_key_with_its_default():
    shown = parse(re.sub(r"(?m)^#: ", "", EXAMPLE.read_text(encoding="utf-8")), EXAMPLE)
    tables = {
        "gateway": shown.gateway,
        "[port]": shown.ports[0],
        "store": shown.store,
        "clock": shown.clock,
        "[sink.mqtt]": shown.mqtt_sinks[0],
        "log": shown.log,
    }
    of_the_host = {"name": "gateway", "client_id": "fieldgate-gateway"}
    for title, table in tables.items():
        section = EXAMPLE.read_text(encoding="utf-8").split(f"\n[{title}]\n")[1].split("\n[")[0]
        assert re.findall(r"(?m)^(?:#: |# )?([a-z_]+) = ", section) == settings(type(table)), title
        for field in fields(table):
            if field.default not in (MISSING, "", None):
                assert getattr(table, field.name) == field.default, f"{title} {field.name}"
            elif field.name in of_the_host:
                assert getattr(table, field.name) == of_the_host[field.name]
