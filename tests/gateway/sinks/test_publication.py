"""gateway/sinks/publication.py: the identity is in the payload, whatever it is."""

import base64
import json
from types import SimpleNamespace

import pytest

from gateway.descriptors import Unreadable, parse_descriptor
from gateway.node_clock import TimeState
from gateway.readings import Loss, Pack
from gateway.sinks.publication import Publications
from gateway.sinks.senml import SenmlJson
from tests.gateway.sinks.records import AIR_BODY, AIR_HASH, BOOT, UID, block

DESCRIPTOR = parse_descriptor(AIR_HASH, AIR_BODY)
TIME = (1_800_000_000_000_000_000, 1_000_000_000, 100_748_001, TimeState.RESOLVED)
PACK = Pack(
    UID,
    DESCRIPTOR,
    0,
    DESCRIPTOR.groups[0],
    BOOT,
    1,
    4,
    5,
    *TIME,
    [2541, 4512, 101325, 2542, 4513, 101324],
    {},
)
LOSS = Loss(UID, BOOT, 1, 4, 9, "queue_full", *TIME)
STORED = SimpleNamespace(id=1, uid=UID, boot=BOOT, stream=1, seq=4, message=block(4))
IDENTITY = {"node": UID.hex(), "boot": BOOT, "stream": 1, "seq": 4}
SENML_LABELS = {"bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"}


def properties_of(packed):
    """The user properties among packed properties."""
    found, at = {}, 0
    while at < len(packed):
        match packed[at]:
            case 0x01:
                at += 2
            case 0x03:
                at += 3 + int.from_bytes(packed[at + 1 : at + 3], "big")
            case 0x26:
                texts, at = [], at + 1
                for _ in range(2):
                    end = at + 2 + int.from_bytes(packed[at : at + 2], "big")
                    texts.append(packed[at + 2 : end].decode())
                    at = end
                found[texts[0]] = texts[1]
    return found


def said(document):
    """As properties say it."""
    return {key: value if isinstance(value, str) else str(value) for key, value in document.items()}


def test_a_block_carries_its_identity_in_the_first_record_and_is_senml_otherwise():
    publication = Publications("gw").of(STORED, PACK)
    first, *others = json.loads(publication.payload)
    about = {key: first.pop(key) for key in first.keys() - SENML_LABELS}
    assert about == IDENTITY | {"tu": 0.100749, "time": "resolved", "hist": 0}
    assert [first, *others] == json.loads(SenmlJson().encode(PACK))
    assert not any(key.endswith("_") for key in about)  # RFC 8428: such a label has to be understood


@pytest.mark.parametrize("reading", [PACK, LOSS], ids=["block", "gap"])
@pytest.mark.parametrize("marks", [{}, {"hist": True}, {"hist": True, "correction": True}])
def test_payload_and_properties_say_the_same(reading, marks):
    publication = Publications("gw").of(STORED, reading, **marks)
    document = json.loads(publication.payload)
    properties = properties_of(publication.properties)
    about = said(document[0] if isinstance(document, list) else document)
    assert {key: about[key] for key in properties} == properties
    assert properties["hist"] == str(int(marks.get("hist", False)))
    assert ("correction" in properties) == ("correction" in marks)


@pytest.mark.parametrize("reading", [PACK, LOSS], ids=["block", "gap"])
def test_a_time_that_a_node_carried_through_a_boot_says_so(reading):
    publication = Publications("gw").of(STORED, reading._replace(witness=True))
    document = json.loads(publication.payload)
    about = document[0] if isinstance(document, list) else document
    assert properties_of(publication.properties)["source"] == about["source"] == "witness"
    assert "source" not in properties_of(Publications("gw").of(STORED, reading).properties)


def test_a_gap_carries_its_identity_once():
    payload = Publications("gw").of(STORED, LOSS).payload
    assert json.loads(payload) == IDENTITY | {
        "tu": 0.100749,
        "time": "resolved",
        "hist": 0,
        "next_seq": 9,
        "reason": "queue_full",
        "from": 1_800_000_000,
        "to": 1_800_000_001,
    }
    assert payload.count(b'"seq"') == 1


def test_a_raw_record_goes_as_it_came_with_properties_and_in_json_without():
    publications = Publications("gw")
    publication = publications.of(STORED, Unreadable("group_unknown"))
    assert publication.payload == STORED.message
    assert properties_of(publication.properties) == said(IDENTITY) | {"fault": "group_unknown", "hist": "0"}
    publications.with_properties = False
    document = json.loads(publications.of(STORED, Unreadable("group_unknown")).payload)
    assert base64.b64decode(document.pop("message")) == STORED.message
    assert document == IDENTITY | {"fault": "group_unknown", "hist": 0}
