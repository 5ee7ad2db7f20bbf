import re
from pathlib import Path

import pytest

from gateway.config import (
    ClockConfig,
    Config,
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
from gateway.sink_config import ConfirmationConfig
from gateway.wifi_config import WifiConfig

PORT = '[[port]]\nglob = "/dev/ttyUSB*"\n'
SINK = '[[sink.mqtt]]\nurl = "mqtt://broker"\n'
PATH = Path("config.toml")


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
    (broker,) = sink.brokers
    assert (broker.host, broker.port, broker.tls) == (host, port, tls)


def test_several_brokers_and_consumers_are_read():
    text = """
        [[sink.mqtt]]
        urls = ["mqtts://a", "mqtts://b:1"]
        [sink.mqtt.confirmation]
        consumers = ["historian", "twin-2"]
        tail_hours = 0
        [[sink.mqtt]]
        name = "other"
        url = "mqtt://c"
    """
    first, second = parse(PORT + text, PATH).mqtt_sinks
    assert [(each.host, each.port) for each in first.brokers] == [("a", 8883), ("b", 1)]
    assert first.confirmation == ConfirmationConfig(consumers=("historian", "twin-2"), tail_hours=0)
    assert second.confirmation is None


def test_a_broker_of_wifi_nodes_may_stand_in_the_place_of_ports(tmp_path):
    text = """
        [gateway]
        name = "gw"
        [[wifi]]
        url = "mqtts://127.0.0.1"
        user = "u"
        password_file = "secret"
        ca_file = "ca.pem"
        keepalive_s = 5
        window = 4096
    """
    wifi = parse(text, tmp_path / "fieldgate.toml").wifi
    assert wifi == (
        WifiConfig(
            url="mqtts://127.0.0.1",
            user="u",
            password_file=tmp_path / "secret",
            ca_file=tmp_path / "ca.pem",
            client_id="fieldgate-gw-nodes",
            keepalive_s=5,
            window=4096,
        ),
    )
    assert wifi[0].brokers[0].port == 8883


def test_client_ids_of_two_sinks_differ_by_default():
    text = '[gateway]\nname = "gw"\n' + PORT + SINK + SINK + 'name = "second"\n'
    first, second = parse(text, PATH).mqtt_sinks
    assert (first.client_id, second.client_id) == ("fieldgate-gw", "fieldgate-gw-second")


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
