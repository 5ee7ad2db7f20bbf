import pytest

from firmware.descriptor import VALUES_MOST, Descriptor
from firmware.settings import Settings, SettingsError
from wire import cbor, up
from wire.fields import MESSAGE_OCTETS

AIR = (("air_temperature", "Cel", -2), ("air_humidity", "%RH", -2), ("air_pressure", "Pa", 0))
LOAD = (("bridge", "count", 0),)


def descriptor(values=None, channels=(AIR, LOAD), health_ms=0):
    return Descriptor(Settings({"health_ms": health_ms, **(values or {})}), list(channels), "Generic ESP32")


def test_channels_and_groups_stand_as_the_protocol_wants_them():
    values = {
        "node": {"name": "pier"},
        "sensors": [{"driver": "bme280"}, {"driver": "hx711", "serial": "A1"}],
    }
    assert descriptor(values).map == {
        "channels": [
            {"name": "air_temperature", "unit": "Cel", "exp": -2, "sensor": "bme280"},
            {"name": "air_humidity", "unit": "%RH", "exp": -2, "sensor": "bme280"},
            {"name": "air_pressure", "unit": "Pa", "exp": 0, "sensor": "bme280"},
            {"name": "bridge", "unit": "count", "exp": 0, "sensor": "hx711", "serial": "A1"},
        ],
        "groups": [
            {"name": "air", "channels": [0, 1, 2], "period_ms": 1000},
            {"name": "load", "channels": [3], "period_ms": 100},
        ],
        "node": {"name": "pier", "board": "Generic ESP32"},
    }


def test_a_group_of_means_tells_the_period_of_its_scans():
    group = {"name": "all", "sensors": [0], "period_ms": 250, "decimate": 8}
    told = descriptor({"sensors": [{"driver": "bme280"}], "groups": [group]}, (AIR,)).map["groups"]
    assert told == [{"name": "all", "channels": [0, 1, 2], "period_ms": 2000, "decimate": 8}]


def test_a_waveform_tells_its_nominal_rate_in_place_of_a_period():
    group = {"name": "strain", "sensors": [0], "sps": 80}
    told = descriptor({"sensors": [{"driver": "hx711"}], "groups": [group]}, (LOAD,)).map["groups"]
    assert told == [{"name": "strain", "channels": [0], "sps": 80}]


def test_the_hash_is_that_of_the_octets_that_describe_carries():
    made = descriptor()
    octets = up.Describe(made.map).encode(cbor.Encoder(MESSAGE_OCTETS))
    assert made.hash == up.descriptor_hash(octets[2:])  # after the array's head and the type


def test_the_nodes_own_health_is_the_last_group():
    plain, told = descriptor(), descriptor(health_ms=60000)
    assert told.health
    assert told.map["channels"][:4] == plain.map["channels"]
    assert told.map["groups"][:2] == plain.map["groups"]
    assert told.map["groups"][2] == {"name": "health", "channels": list(range(4, 16)), "period_ms": 60000}
    assert told.map["channels"][4] == {"name": "heap_free", "unit": "B"}
    assert told.map["channels"][15] == {"name": "reset_cause"}
    assert up.decode(told.message).descriptor == told.map
    assert told.hash == up.descriptor_hash(told.message[2:]) != plain.hash


def test_health_never_costs_a_node_its_settings():
    """Where all of it is too long for a message, the node goes without that group."""
    values = {"sensors": [{"driver": "bme280"}, {"driver": "hx711", "cal": {"note": "x" * 500}}]}
    made = descriptor(values, health_ms=60000)
    assert not made.health
    assert made.message == descriptor(values).message


def test_a_channel_of_the_health_is_no_name_for_another():
    values = {"sensors": [{"driver": "bme280"}, {"driver": "hx711", "channels": ["heap_free"]}]}
    with pytest.raises(SettingsError, match="heap_free is a channel of the group health"):
        descriptor(values, health_ms=60000)
    assert not descriptor(values).health


def test_another_calibration_is_another_descriptor():
    plain = descriptor()
    calibrated = descriptor({"sensors": [{"driver": "bme280"}, {"driver": "hx711", "cal": {"zero": 84012}}]})
    assert calibrated.map["channels"][3]["cal"] == {"zero": 84012}
    assert calibrated.hash != plain.hash


def test_two_sensors_of_a_kind_need_names_of_their_own():
    two = {"sensors": [{"driver": "bme280"}, {"driver": "bme280", "address": 119}]}
    with pytest.raises(SettingsError) as caught:
        descriptor(two, (AIR, AIR))
    assert caught.value.key == "sensors[1].channels"
    two["sensors"][1]["channels"] = ["box_temperature", "box_humidity", "box_pressure"]
    names = [channel["name"] for channel in descriptor(two, (AIR, AIR)).map["channels"]]
    assert names[3:] == ["box_temperature", "box_humidity", "box_pressure"]


def test_a_name_for_each_channel_or_none():
    with pytest.raises(SettingsError, match=r"sensors\[1\].channels: not 1 names"):
        descriptor({"sensors": [{"driver": "bme280"}, {"driver": "hx711", "channels": ["a", "b"]}]})


def test_a_block_that_could_not_fit_a_message_is_refused():
    scans = VALUES_MOST // 3
    group = {"name": "all", "sensors": [0], "scans": scans}
    values = {"sensors": [{"driver": "bme280"}], "groups": [group]}
    assert descriptor(values, (AIR,)).map["groups"][0]["channels"] == [0, 1, 2]
    group["scans"] = scans + 1
    with pytest.raises(SettingsError) as caught:
        descriptor(values, (AIR,))
    assert caught.value.key == "groups[0].scans"


def test_a_descriptor_that_does_not_fit_a_message_is_refused():
    values = {"sensors": [{"driver": "bme280"}, {"driver": "hx711", "cal": {"note": "x" * 800}}]}
    for health_ms in (0, 60000):
        with pytest.raises(SettingsError, match="descriptor: too_long"):
            descriptor(values, health_ms=health_ms)


def test_a_calibration_beyond_single_precision_is_refused():
    values = {"sensors": [{"driver": "bme280"}, {"driver": "hx711", "cal": {"a": 1e300}}]}
    with pytest.raises(SettingsError, match="descriptor: number"):
        descriptor(values)


def test_the_deepest_calibration_that_settings_allow_can_be_decoded():
    values = {"sensors": [{"driver": "bme280"}, {"driver": "hx711", "cal": {"points": [[[1, 2.5]]]}}]}
    made = descriptor(values)
    assert up.decode(up.Describe(made.map).encode(cbor.Encoder(MESSAGE_OCTETS))).descriptor == made.map
