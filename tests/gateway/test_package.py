"""A node's application as one file: what is looked at before a node is bothered with it."""

import hashlib

import pytest

from gateway.package import Damaged, read
from provisioning.application import build
from provisioning.package import package

APPLICATION = build()
WHOLE = package(APPLICATION)


def test_what_provisioning_makes_is_read_whole():
    found = read(WHOLE)
    assert found.octets == WHOLE
    assert found.version == APPLICATION.version
    assert found.digest == hashlib.sha256(APPLICATION.manifest).digest()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "does not begin with"),
        (b"\x89PNG\n", "does not begin with"),
        (WHOLE[:-1], "ends in the middle"),
        (WHOLE[: WHOLE.rindex(b"application.json ")], "application.json is missing"),
        (WHOLE.replace(b"wire/cbor.mpy", b"wire/cbro.mpy", 1), "not those that application.json names"),
        (WHOLE + b"more", "from octet"),
        (WHOLE + bytes(256 * 1024), "limit 262144"),
    ],
)
def test_a_damaged_one_is_refused_with_the_reason(octets, reason):
    with pytest.raises(Damaged) as damaged:
        read(octets)
    assert reason in str(damaged.value)


@pytest.mark.parametrize("at", range(WHOLE.index(b"\n") + 1, len(WHOLE), len(WHOLE) // 40))
def test_no_octet_of_it_may_be_another(at):
    with pytest.raises(Damaged):
        read(WHOLE[:at] + bytes([WHOLE[at] ^ 0x20]) + WHOLE[at + 1 :])
