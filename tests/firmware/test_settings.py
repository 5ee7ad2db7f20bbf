import json

import pytest

from firmware import kinds
from firmware.settings import Settings, SettingsError, load
from wire.remote import SETTINGS_MOST


@pytest.mark.parametrize(
    ("sensor", "ready"),
    [
        ({"driver": "hx711", "data": 7}, (7, 0)),
        ({"driver": "hx711", "bus": 0}, (12, 0)),
        ({"driver": "nau7802", "drdy": 5}, (5, 1)),
        ({"driver": "ads1220"}, (27, 0)),
    ],
)
def test_a_waveform_knows_the_pin_that_tells_of_data(sensor, ready):
    chosen = Settings(waveform(sensor))
    assert chosen.groups[0]["scans"] == 64
    assert kinds.data_ready(chosen.sensors[0], chosen) == ready


def test_a_missing_file_means_the_defaults(tmp_path):
    chosen = load(str(tmp_path / "settings.json"))
    assert [sensor["driver"] for sensor in chosen.sensors] == ["bme280", "hx711"]
    assert [(group["name"], group["period_ms"], group["scans"]) for group in chosen.groups] == [
        ("air", 1000, 10),
        ("load", 100, 10),
    ]
    assert chosen.i2c == [{"scl": 22, "sda": 21, "freq": 100000}]
    assert chosen.link == {"via": ["console"]}
    assert (chosen.queue_octets, chosen.queue_flash_octets) == (24576, 1048576)


def test_what_the_file_says_is_taken(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(
        json.dumps(
            {
                "node": {"name": "pier 3", "site": "bridge"},
                "link": {"via": "uart", "uart": {"id": 2, "baud": 921600, "tx": 14, "rx": 5}},
                "i2c": [{"scl": 1, "sda": 2}, {"scl": 3, "sda": 4, "freq": 400000}],
                "sensors": [
                    {
                        "driver": "hx711",
                        "clock": 6,
                        "data": 7,
                        "gain": 64,
                        "serial": "A1",
                        "cal": {"zero": 3},
                    },
                    {"driver": "bme280", "bus": 1, "address": 119, "channels": ["a", "b", "c"]},
                ],
                "groups": [
                    {
                        "name": "all",
                        "sensors": [1, 0],
                        "period_ms": 500,
                        "decimate": 3,
                        "scans": 5,
                        "report_ms": 2000,
                    }
                ],
                "queue_octets": 4096,
            }
        )
    )
    chosen = load(str(path))
    assert chosen.node == {"name": "pier 3", "site": "bridge"}
    assert chosen.link == {"via": ["uart"], "uart": {"id": 2, "baud": 921600, "tx": 14, "rx": 5}}
    assert chosen.sensors[0]["gain"] == 64
    assert chosen.sensors[1]["address"] == 119
    group = {
        "name": "all",
        "sensors": [1, 0],
        "period_ms": 500,
        "decimate": 3,
        "scans": 5,
        "report_ms": 2000,
        "sps": 0,
    }
    assert chosen.groups == [group]


BME = {"driver": "bme280"}
GROUP = {"name": "g", "sensors": [0]}


def waveform(*sensors, **changes):
    group = {"name": "g", "sensors": list(range(len(sensors))), "sps": 80, **changes}
    return {"sensors": list(sensors), "groups": [group]}


def only(**changes):
    return {"sensors": [BME], "groups": [GROUP], **changes}


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"nodes": {}}, "nodes"),
        ({"node": {"nam": "x"}}, "node.nam"),
        ({"node": {"name": 3}}, "node.name"),
        ({"node": {"name": "x" * 201}}, "node.name"),
        ({"node": []}, "node"),
        ({"link": {"via": "bluetooth"}}, "link.via"),
        ({"link": {"baud": 9600}}, "link.baud"),
        ({"link": {"uart": {"id": 0}}}, "link.uart.id"),
        ({"link": {"uart": {"speed": 1}}}, "link.uart.speed"),
        ({"i2c": []}, "i2c"),
        ({"i2c": [{}, {}, {}]}, "i2c"),
        ({"i2c": [{"freq": 10}]}, "i2c[0].freq"),
        ({"queue_octets": 100}, "queue_octets"),
        ({"queue_flash_octets": 8388609}, "queue_flash_octets"),
        ({"queue_octets": True}, "queue_octets"),
        ({"sensors": []}, "sensors"),
        ({"sensors": [BME] * 9}, "sensors"),
        ({"sensors": ["bme280"]}, "sensors[0]"),
        ({"sensors": [{}]}, "sensors[0].driver"),
        ({"sensors": [{"driver": "bme680"}]}, "sensors[0].driver"),
        ({"sensors": [BME, {"driver": "hx711", "clok": 4}]}, "sensors[1].clok"),
        ({"sensors": [{"driver": "hx711", "gain": 100}]}, "sensors[0].gain"),
        ({"sensors": [{"driver": "hx711", "data": 99}]}, "sensors[0].data"),
        ({"sensors": [{"driver": "bme280", "clock": 4}]}, "sensors[0].clock"),
        ({"sensors": [{"driver": "bme280", "bus": 1}]}, "sensors[0].bus"),
        ({"sensors": [{"driver": "bme280", "address": 117}]}, "sensors[0].address"),
        ({"sensors": [{"driver": "sht4x", "address": 0x76}]}, "sensors[0].address"),
        ({"sensors": [{"driver": "sht4x", "precision": "best"}]}, "sensors[0].precision"),
        ({"sensors": [{"driver": "nau7802", "gain": 100}]}, "sensors[0].gain"),
        ({"sensors": [{"driver": "nau7802", "rate": 81}]}, "sensors[0].rate"),
        ({"sensors": [{"driver": "nau7802", "ldo_mv": 3100}]}, "sensors[0].ldo_mv"),
        ({"sensors": [{"driver": "nau7802", "drdy": 99}]}, "sensors[0].drdy"),
        ({"sensors": [{"driver": "nau7802", "afe": "0011"}]}, "sensors[0].afe"),
        ({"sensors": [{"driver": "nau7802", "afe": "zz00000000000z"}]}, "sensors[0].afe"),
        ({"spi": [{}, {}, {}]}, "spi"),
        ({"spi": [{"freq": 5}]}, "spi[0].freq"),
        ({"spi": [{"cs": 5}]}, "spi[0].cs"),
        ({"sensors": [{"driver": "ads1220", "bus": 1}]}, "sensors[0].bus"),
        ({"spi": [{"freq": 8000000}], "sensors": [{"driver": "ads1220"}]}, "sensors[0].bus"),
        ({"sensors": [{"driver": "ads1220", "inputs": "04"}]}, "sensors[0].inputs"),
        ({"sensors": [{"driver": "ads1220", "rate": 10}]}, "sensors[0].rate"),
        ({"sensors": [{"driver": "ads1220", "check_every": -1}]}, "sensors[0].check_every"),
        ({"sensors": [{"driver": "ds18b20", "bits": 8}]}, "sensors[0].bits"),
        ({"sensors": [{"driver": "ds18b20", "rom": "28"}]}, "sensors[0].rom"),
        ({"sensors": [{"driver": "hx711", "bus": 1}]}, "sensors[0].bus"),
        ({"sensors": [{"driver": "hx711", "bus": 0, "clock": 4}]}, "sensors[0].clock"),
        ({"spi": [{"freq": 10000}], "sensors": [{"driver": "hx711", "bus": 0}]}, "sensors[0].bus"),
        ({"sensors": [{"driver": "esp32", "ratio_milli": 999}]}, "sensors[0].ratio_milli"),
        ({"sensors": [{"driver": "esp32", "supply": 49}]}, "sensors[0].supply"),
        ({"sensors": [{"driver": "bme280", "cal": 3}]}, "sensors[0].cal"),
        ({"sensors": [{"driver": "bme280", "cal": {"a": [[[[]]]]}}]}, "sensors[0].cal"),
        ({"sensors": [{"driver": "bme280", "cal": {"a": [{1: 2}]}}]}, "sensors[0].cal"),
        ({1: 2}, "1"),  # as MicroPython's json takes it
        ({"node": {1: 2}}, "node.1"),
        ({"sensors": [{"driver": "bme280", "channels": [""]}]}, "sensors[0].channels"),
        ({"sensors": [{"driver": "bme280", "channels": "t"}]}, "sensors[0].channels"),
        *(
            ({"sensors": [{"driver": "bme280", "range": wrong}]}, "sensors[0].range")
            for wrong in (5, [], [[1]], [[2, 1]], [[0, 1.5]], [[0, True]], [[0, 10000001]], ["a"])
        ),
        *(
            ({"sensors": [{"driver": "bme280", "stuck": wrong}]}, "sensors[0].stuck")
            for wrong in (5, [], [1], [-1], [None], [1000001])
        ),
        (only(groups=[{"sensors": [0]}]), "groups[0].name"),
        (only(groups=[{"name": "g"}]), "groups[0].sensors"),
        (only(groups=[{"name": "g", "sensors": [1]}]), "groups[0].sensors"),
        (only(groups=[{"name": "g", "sensors": [0, 0]}]), "groups[0].sensors"),
        (only(groups=[{"name": "g", "sensors": [True]}]), "groups[0].sensors"),
        (only(groups=[{**GROUP, "period_ms": 9}]), "groups[0].period_ms"),
        (only(groups=[{**GROUP, "period_ms": 1.5}]), "groups[0].period_ms"),
        ({"health_ms": 5001}, "health_ms"),
        ({"health_ms": 3605000}, "health_ms"),
        (only(groups=[{**GROUP, "scans": 65}]), "groups[0].scans"),
        (only(groups=[{**GROUP, "decimate": 0}]), "groups[0].decimate"),
        (only(groups=[{**GROUP, "sps": 80}]), "groups[0].sps"),  # a BME280 has no such pin
        (waveform({"driver": "nau7802"}), "groups[0].sps"),  # nor is it told
        (waveform({"driver": "hx711"}, sps=9), "groups[0].sps"),
        (waveform({"driver": "hx711"}, sps=321), "groups[0].sps"),
        (waveform({"driver": "hx711"}, period_ms=10), "groups[0].period_ms"),
        (waveform({"driver": "hx711"}, {"driver": "esp32"}), "groups[0].sensors"),
        (
            {
                "sensors": [{"driver": "ads1220"}, {"driver": "ads1220", "cs": 5, "drdy": 26}],
                "groups": [{**GROUP, "sps": 90}, {"name": "h", "sensors": [1]}],
            },
            "groups[0].sps",  # another chip on its bus
        ),
        (only(groups=[{**GROUP, "period_ms": 1001, "decimate": 3600}]), "groups[0].decimate"),
        (only(groups=[{**GROUP, "report_ms": 3600001}]), "groups[0].report_ms"),
        (only(groups=[{**GROUP, "rate": 1}]), "groups[0].rate"),
        (only(groups=[GROUP, {"name": "h", "sensors": [0]}]), "groups[1].sensors"),
        (
            only(sensors=[BME, {"driver": "hx711"}], groups=[GROUP, {**GROUP, "sensors": [1]}]),
            "groups[1].name",
        ),
        (only(sensors=[BME, {"driver": "hx711"}]), "sensors[1]"),
        *(
            ({"sleep": {"wake_ms": 60000, **wrong}}, "sleep." + next(iter(wrong)))
            for wrong in (
                {"wake_ms": 4999},
                {"wake_ms": 86400001},
                {"wake_ms": None},
                {"send_every": 0},
                {"send_every": 10001},
                {"link_s": 9},
                {"link_s": 601},
                {"clock_ppm": 0},
                {"clock_ppm": 50001},
                {"wakes": 5},
            )
        ),
        ({"sleep": {"wake_ms": 86400000, "send_every": 8}}, "sleep.send_every"),
        ({**waveform({"driver": "hx711"}), "sleep": {"wake_ms": 60000}}, "sleep.wake_ms"),
        ({**only(groups=[{**GROUP, "decimate": 2}]), "sleep": {"wake_ms": 60000}}, "sleep.wake_ms"),
    ],
)
def test_a_wrong_setting_is_named(values, key):
    with pytest.raises(SettingsError) as caught:
        Settings(values)
    assert caught.value.key == key
    assert str(caught.value).startswith(key + ": ")


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xfe", b" " * (SETTINGS_MOST + 1), b"{}x"])
def test_a_broken_file_is_a_settings_error(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_bytes(text)
    with pytest.raises(SettingsError):
        load(str(path))


def test_settings_do_not_share_their_defaults():
    Settings({}).groups[0]["period_ms"] = 1
    assert Settings({}).groups[0]["period_ms"] == 1000


WIFI = {"ssid": "site", "key": "a secret"}
BROKER = {"host": "gateway.local", "user": "240ac4000001", "password": "hush"}


def link(via="wifi", **changes):
    return {"link": {"via": via, "wifi": WIFI, "broker": BROKER, **changes}}


@pytest.mark.parametrize("via", ["wifi", ["console", "wifi"], ["uart", "wifi"]])
def test_wifi_alone_or_beside_a_cable(via):
    chosen = Settings(link(via)).link
    assert chosen["via"] == (via if isinstance(via, list) else [via])
    assert chosen["wifi"] == WIFI
    assert chosen["broker"] == {**BROKER, "port": 1883}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"via": ["wifi", "console"]}, "link.via"),
        ({"via": ["console", "uart"]}, "link.via"),
        ({"wifi": {}}, "link.wifi.ssid"),
        ({"wifi": {"ssid": "s" * 33}}, "link.wifi.ssid"),
        ({"wifi": {"ssid": "site", "key": "a secre"}}, "link.wifi.key"),
        ({"wifi": {**WIFI, "key": "********"}}, "link.wifi.key"),  # as a gateway shows it
        ({"broker": {**BROKER, "password": "********"}}, "link.broker.password"),
        ({"wifi": {**WIFI, "password": "hush"}}, "link.wifi.password"),
        ({"broker": {}}, "link.broker.host"),
        ({"broker": {**BROKER, "port": 0}}, "link.broker.port"),
        ({"broker": {"host": "h", "password": "hush"}}, "link.broker.password"),
    ],
)
def test_a_mistake_in_wifi_names_its_place_and_no_secret(changes, key):
    with pytest.raises(SettingsError) as error:
        Settings(link(**changes))
    assert error.value.key == key
    assert "hush" not in str(error.value)
    assert "secre" not in str(error.value)


def test_a_node_that_sleeps_has_one_scan_a_wake():
    chosen = Settings({"sleep": {"wake_ms": 60000, "send_every": 15}})
    assert chosen.sleep == {
        "wake_ms": 60000,
        "send_every": 15,
        "link_s": 30,
        "clock_ppm": 10000,
        "every_s": 900,
    }
    assert [(group["period_ms"], group["scans"]) for group in chosen.groups] == [(60000, 1)] * 2
    assert Settings({}).sleep is None
