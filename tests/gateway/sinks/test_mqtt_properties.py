"""gateway/sinks/mqtt_properties.py against paho's own packing."""

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from gateway.sinks.mqtt_properties import content, length, user_property

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)


@given(texts, st.booleans(), st.lists(st.tuples(texts, texts), max_size=6))
def test_packed_octets_are_what_paho_packs(content_type, utf8, pairs):
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = content_type
    properties.PayloadFormatIndicator = int(utf8)
    for pair in pairs:
        properties.UserProperty = pair
    octets = content(content_type, utf8=utf8)
    octets += b"".join(user_property(name.encode(), value.encode()) for name, value in pairs)
    assert length(len(octets)) + octets == properties.pack()


@given(st.integers(0, 268_435_455))
def test_a_length_is_what_paho_makes_it(number):
    assert length(number) == VariableByteIntegers.encode(number)
