"""gateway/sinks/mqtt_packets.py and buffered_socket.py against paho's own octets and decoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.sinks.buffered_socket import PACKET_LIMIT, BufferedSocket
from gateway.sinks.mqtt_packets import PACKET_IDS, PacketIds, Puback, TooLong, Unasked, publish, split
from gateway.sinks.mqtt_properties import content, length, user_property
from gateway.sinks.reason_words import puback_word

PINGRESP = b"\xd0\x00"
DISCONNECT = b"\xe0\x02\x89\x00"  # server busy
# A SUBACK of 130 octets: its length takes two.
LONG = b"\x90" + length(130) + bytes(130)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
topics = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="+#"), min_size=1)
reasons = st.sampled_from([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])


def puback(packet_id: int, reason: int | None = None, text: str | None = None) -> bytes:
    body = packet_id.to_bytes(2, "big")
    if reason is not None:
        body += bytes([reason])
    if text is not None:
        properties = Properties(PacketTypes.PUBACK)
        properties.ReasonString = text
        body += properties.pack()
    return b"\x40" + length(len(body)) + body


class PahoSocket:
    """The far end of paho's client: keeps what it sends, gives what it is to receive."""

    def __init__(self, received: bytes = b"") -> None:
        self.sent = b""
        self.received = received

    def send(self, octets: bytes) -> int:
        self.sent += octets
        return len(octets)

    def recv(self, count: int) -> bytes:
        if not self.received:
            raise BlockingIOError
        octets, self.received = self.received[:count], self.received[count:]
        return octets

    def setblocking(self, flag: bool) -> None:
        pass

    def close(self) -> None:
        pass


class PahoClient(Client):
    """paho's client, connected to a PahoSocket."""

    def __init__(self, received: bytes = b"", protocol=MQTTProtocolVersion.MQTTv5) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, protocol=protocol)
        self.far_end = PahoSocket(received)
        self.connect("nowhere")
        self.far_end.sent = b""

    def _create_socket(self) -> PahoSocket:
        return self.far_end


@given(topics, texts, st.lists(st.tuples(texts, texts), max_size=6), st.binary(max_size=2000), st.booleans())
def test_a_publish_is_what_paho_makes_it(topic, content_type, pairs, payload, retain):
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = content_type
    properties.PayloadFormatIndicator = 1
    for pair in pairs:
        properties.UserProperty = pair
    client = PahoClient()
    info = client.publish(topic, payload, 1, retain, properties)
    octets = content(content_type, utf8=True)
    octets += b"".join(user_property(name.encode(), value.encode()) for name, value in pairs)
    assert publish(info.mid, topic, octets, payload, retain=retain) == client.far_end.sent


@given(topics, st.binary(max_size=2000), st.booleans())
def test_a_publish_of_3_1_1_is_what_paho_makes_it(topic, payload, retain):
    client = PahoClient(protocol=MQTTProtocolVersion.MQTTv311)
    info = client.publish(topic, payload, 1, retain)
    assert publish(info.mid, topic, None, payload, retain=retain) == client.far_end.sent


@given(st.integers(1, PACKET_IDS), reasons, texts)
def test_a_puback_says_what_paho_reads_of_it(packet_id, reason, text):
    octets = puback(packet_id, reason, text)
    heard = []
    client = PahoClient(octets)
    client.on_publish = lambda _client, _data, mid, code, _properties: heard.append((mid, code.value))
    client._last_mid = packet_id - 1
    assert client.publish("t", b"", 1).mid == packet_id
    client.loop_read()
    assert [*map(tuple, split(octets, PACKET_LIMIT)[0])] == heard == [(packet_id, reason)]


def test_a_puback_without_a_reason_is_success():
    assert split(puback(0xABCD), PACKET_LIMIT) == ([Puback(0xABCD, 0)], b"", b"", 0, 0)


@given(
    st.lists(st.sampled_from([puback(1), puback(2, 0x10), puback(3, 0x97, "x" * 200), PINGRESP, LONG])),
    st.lists(st.integers(1, 50), min_size=1),
)
def test_packets_are_the_same_however_they_are_cut(packets, sizes):
    octets = b"".join(packets)
    whole = split(octets, PACKET_LIMIT)
    assert whole[2] == b""
    assert len(whole[0]) + whole[1].count(PINGRESP) + whole[1].count(LONG) == len(packets)
    pubacks, others, rest, number = [], b"", b"", 0
    while octets:
        size = sizes[number % len(sizes)]
        number += 1
        more, other, rest, *_skip = split(rest + octets[:size], PACKET_LIMIT)
        octets = octets[size:]
        pubacks += more
        others += other
    assert (pubacks, others, rest) == whole[:3]


@given(st.binary())
def test_whatever_comes_is_sorted_or_too_long(octets):
    try:
        _pubacks, others, rest, *_skip = split(octets, PACKET_LIMIT)
    except (TooLong, Unasked):
        return
    assert octets.endswith(rest)
    assert len(others) + len(rest) <= len(octets)


def test_a_packet_beyond_the_limit_is_refused_before_it_has_come():
    with pytest.raises(TooLong):
        split(puback(1) + b"\x90" + length(PACKET_LIMIT + 1), PACKET_LIMIT)


def message(size: int, qos: int = 0) -> bytes:
    return bytes([0x30 | qos << 1]) + length(size) + bytes(size)


@pytest.mark.parametrize("step", [1, 1000, 10**6])
def test_a_message_that_is_too_long_is_skipped_however_it_is_cut(step):
    octets = puback(1) + message(300) + puback(2) + message(60) + PINGRESP
    far_end = PahoSocket()
    near = BufferedSocket(far_end, 200)
    seen = b""
    while octets or far_end.received:
        far_end.received, octets = far_end.received + octets[:step], octets[step:]
        try:
            seen += near.recv(1000)
        except BlockingIOError:
            continue
    while near.pending():
        seen += near.recv(1000)
    assert seen == message(60) + PINGRESP
    assert near.take_pubacks() == [Puback(1, 0), Puback(2, 0)]
    assert (near.take_skipped(), near.take_skipped()) == (1, 0)


@pytest.mark.parametrize("qos", [1, 2, 3])
def test_a_message_at_a_qos_that_nobody_asked_for_is_refused(qos):
    with pytest.raises(Unasked):
        split(message(10, qos), PACKET_LIMIT)


def test_a_length_that_is_none_is_left_to_the_client():
    none = b"\x40\xff\xff\xff\xff" + puback(2)
    assert split(puback(1) + none, PACKET_LIMIT) == ([Puback(1, 0)], none, b"", 0, 0)


def test_a_packet_at_the_limit_is_taken():
    octets = b"\x90" + length(PACKET_LIMIT) + bytes(PACKET_LIMIT)
    assert split(octets, PACKET_LIMIT) == ([], octets, b"", 0, 0)


def test_the_client_is_given_all_but_the_pubacks():
    near = BufferedSocket(PahoSocket(puback(1) + PINGRESP + puback(2, 0x10) + DISCONNECT[:1]))
    assert near.recv(1) + near.recv(1) == PINGRESP
    with pytest.raises(BlockingIOError):
        near.recv(1)
    assert near.take_pubacks() == [Puback(1, 0), Puback(2, 0x10)]
    assert near.take_pubacks() == []


def test_the_end_of_the_connection_is_told_after_the_last_pubacks():
    class Ended(PahoSocket):
        def recv(self, count: int) -> bytes:
            return super().recv(count) if self.received else b""

    near = BufferedSocket(Ended(puback(7)))
    with pytest.raises(BlockingIOError):
        near.recv(1)
    assert near.recv(1) == b""
    assert near.take_pubacks() == [Puback(7, 0)]


def test_packet_ids_begin_at_one_again_and_pass_over_those_on_their_way():
    ids = PacketIds()
    assert [ids.take() for _ in range(3)] == [1, 2, 3]
    for _ in range(PACKET_IDS - 3):
        ids.give_back(ids.take())
    ids.give_back(2)
    assert [ids.take(), ids.take()] == [2, 4]


@given(reasons.filter(bool))
def test_a_refusal_is_told_in_the_words_of_the_standard(reason):
    assert puback_word(reason) == str(ReasonCode(PacketTypes.PUBACK, identifier=reason)).lower().replace(
        " ", "_"
    )


def test_a_refusal_with_the_reason_of_another_packet_is_told_in_its_words():
    assert puback_word(0x95) == "packet_too_large"  # of a DISCONNECT


def test_a_refusal_that_is_in_no_standard_is_told_by_its_number():
    assert puback_word(0xF1) == "0xf1"
