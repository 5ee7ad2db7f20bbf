"""gateway/sinks/mqtt_packets.py and mqtt_answers.py"""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sinks import mqtt_answers, mqtt_packets
from gateway.sinks.mqtt_answers import Ack, MqttError, PacketReader, parse_connack, parse_puback

# Variable byte integers at their borders, from table 1-1 of the standard.
LENGTHS = [
    (0, "00"),
    (127, "7f"),
    (128, "8001"),
    (16_383, "ff7f"),
    (16_384, "808001"),
    (2_097_151, "ffff7f"),
    (2_097_152, "80808001"),
    (268_435_455, "ffffff7f"),
]


@pytest.mark.parametrize(("number", "octets"), LENGTHS)
def test_a_length_is_written_as_the_standard_says(number, octets):
    assert mqtt_packets.length(number).hex() == octets
    assert mqtt_packets.length_of_length(number) == len(octets) // 2


def test_a_longer_length_is_refused():
    with pytest.raises(ValueError, match="268435456"):
        mqtt_packets.length(mqtt_packets.LENGTH_LIMIT + 1)


def test_a_longer_text_is_refused():
    with pytest.raises(ValueError, match="65536"):
        mqtt_packets.text(bytes(mqtt_packets.TEXT_LIMIT + 1))


def test_publish_is_laid_out_as_in_section_3_3():
    properties = mqtt_packets.user_property(b"seq", b"7")
    packet = mqtt_packets.publish(b"a/b", 10, properties, b"{}", retain=True)
    assert packet.hex(" ") == "33 13 00 03 61 2f 62 00 0a 09 26 00 03 73 65 71 00 01 37 7b 7d"


@given(st.binary(max_size=300), st.integers(1, 65_535), st.binary(max_size=300), st.binary(max_size=20_000))
def test_a_publish_of_any_size_has_the_length_that_it_says(topic, packet_id, properties, payload):
    packet = mqtt_packets.publish(topic, packet_id, properties, payload)
    size = shift = at = 0
    while True:
        at += 1
        size |= (packet[at] & 0x7F) << shift
        shift += 7
        if packet[at] < 0x80:
            break
    assert len(packet) - at - 1 == size
    assert packet.endswith(payload)


def test_connect_names_will_user_and_password_in_the_order_of_section_3_1_3():
    will = mqtt_packets.Will(topic=b"t", properties=b"", payload=b"off")
    packet = mqtt_packets.connect(b"me", 15, will, b"user", b"secret")
    assert packet[0] == 0x10
    assert packet[2:12].hex(" ") == "00 04 4d 51 54 54 05 ee 00 0f"
    assert packet.endswith(b"\0\2me\0\0\1t\0\3off\0\4user\0\6secret")


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=200)), max_size=8), st.data())
def test_packets_are_found_however_the_octets_are_cut(packets, data):
    octets = b"".join(bytes([first]) + mqtt_packets.length(len(body)) + body for first, body in packets)
    reader = PacketReader()
    found = []
    while octets:
        cut = data.draw(st.integers(1, len(octets)))
        found += reader.feed(octets[:cut])
        octets = octets[cut:]
    assert found == packets


@given(st.binary(max_size=400))
def test_any_octets_raise_nothing_but_mqtt_error(octets):
    for parse in (PacketReader().feed, parse_connack, parse_puback, mqtt_answers.parse_disconnect):
        with suppress(MqttError):
            assert parse(octets) is not None


def test_a_packet_over_the_limit_is_refused_before_it_has_come():
    header = b"\x40" + mqtt_packets.length(mqtt_packets.PACKET_LIMIT + 1)
    with pytest.raises(MqttError, match=str(mqtt_packets.PACKET_LIMIT)):
        PacketReader().feed(header)


@pytest.mark.parametrize(
    ("body", "ack"),
    [("00 07", Ack(7, 0)), ("00 07 10", Ack(7, 0x10)), ("ff ff 83 05 1f 00 02 6e 6f", Ack(65_535, 0x83))],
)
def test_puback_may_leave_out_reason_and_properties(body, ack):
    assert parse_puback(bytes.fromhex(body)) == ack


def test_connack_tells_what_the_broker_can_take():
    properties = bytes.fromhex("21 00 05  24 01  25 00  27 00 00 10 00  13 00 1e  12 00 01 78  22 00 0a")
    properties += mqtt_packets.user_property(b"a", b"b") + b"\x1f" + mqtt_packets.text(b"hello")
    connack = parse_connack(b"\0\0" + mqtt_packets.length(len(properties)) + properties)
    assert connack == mqtt_answers.Connack(
        reason=0,
        receive_maximum=5,
        maximum_qos=1,
        retain=False,
        packet_limit=4096,
        keepalive_s=30,
        text="hello",
    )


def test_connack_without_properties_is_of_mqtt_3():
    assert mqtt_answers.reason_name(parse_connack(b"\0\1").reason) == "speaks_mqtt_3_only"


def test_an_unknown_reason_is_named_by_its_number():
    assert mqtt_answers.reason_name(0xC1) == "reason_c1"
