"""docs/archive.cddl is what an archive is like."""

import gzip
from io import BytesIO
from pathlib import Path

import cbor2
import pytest
from cddl_verifier import Validator

from gateway.archive.entries import Kind
from gateway.archive.writer import ArchiveWriter
from tests.gateway.archive import samples

GRAMMAR_PATH = Path(__file__).resolve().parents[3] / "docs" / "archive.cddl"
GRAMMAR = Validator(GRAMMAR_PATH.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    """The members of an archive's sequence."""
    path = tmp_path_factory.mktemp("archive") / "a"
    with ArchiveWriter(path) as archive:
        for entry in [*samples.some(range(3)), samples.record(3, next_seq=9)]:
            archive.put(entry)
    content = gzip.decompress(path.read_bytes())
    file = BytesIO(content)
    decoder = cbor2.CBORDecoder(file)
    members = []
    while sum(map(len, map(cbor2.dumps, members))) < len(content):
        members.append(decoder.decode())
    return members


def test_every_entry_fits_the_grammar(sequence):
    assert [cbor2.loads(each)[0] for each in sequence] == [0, 1, 1, 2, 3, 3, 4, 5, 5, 5, 5, 6]
    for each in sequence:
        assert GRAMMAR.validate(each, "entry").errors == ()


def test_an_archive_fits_the_grammar_as_a_whole(sequence):
    assert GRAMMAR.validate(cbor2.dumps(sequence), "archive").errors == ()
    assert not GRAMMAR.validate(cbor2.dumps(sequence[:-1]), "archive").valid
    assert not GRAMMAR.validate(cbor2.dumps([sequence[1], *sequence]), "archive").valid


@pytest.mark.parametrize("kind", Kind)
def test_an_entry_with_an_item_too_many_does_not_fit(sequence, kind):
    entry = next(found for each in sequence if (found := cbor2.loads(each))[0] == kind)
    assert not GRAMMAR.validate(cbor2.dumps([*entry, 0]), "entry").valid
