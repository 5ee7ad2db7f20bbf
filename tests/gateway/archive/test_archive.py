import gzip
import random
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.archive.container import ENTRY_OCTETS, Packer, Unpacker, head
from gateway.archive.entries import End, Header, encode
from gateway.archive.errors import ArchiveError
from gateway.archive.reader import LIMITS, Kind, entries
from gateway.archive.writer import PART, ArchiveWriter
from gateway.store.losses import NamedLoss
from tests.gateway.archive import samples


def read(path):
    """What was put: the end, which comes last, left out."""
    *found, end = entries(path)
    assert isinstance(end, End)
    return found


def written(path, found=None):
    with ArchiveWriter(path) as archive:
        for entry in samples.some() if found is None else found:
            archive.put(entry)
    return path


def packed(path, contents):
    """A file with these encoded entries, right or wrong, and an end that fits."""
    records = sum(each[1:2] == bytes([Kind.RECORD]) for each in contents)
    with path.open("wb") as file:
        packer = Packer(file)
        put_all(packer, contents)
        packer.put(encode(End(records=records, sha256=packer.digest())))
        packer.finish()
    return path


def put_all(packer, contents):
    for each in contents:
        packer.put(each)


def refused(path):
    with pytest.raises(ArchiveError) as error:
        list(entries(path))
    return error.value


def test_what_was_put_comes_out(tmp_path):
    assert read(written(tmp_path / "a")) == samples.some()


@given(
    seqs=st.lists(st.integers(0, 2**32 - 1), max_size=50),
    identity=st.fixed_dictionaries(
        {
            "uid": st.binary(min_size=6, max_size=8),
            "boot": st.integers(0, 2**48 - 1),
            "stream": st.integers(0, 2),
        }
    ),
    reason=st.text(max_size=50),
    gateway=st.from_regex(r"[a-zA-Z0-9 äß_-]{1,20}", fullmatch=True),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_a_round_trip_changes_nothing(tmp_path, seqs, identity, reason, gateway):
    put = [
        Header(gateway=gateway, machine=reason.encode().hex()[:64]),
        samples.host_boot(offset_ns=None),
        NamedLoss(**identity, seq=4, next_seq=2**32, reason=reason),
        *(samples.record(seq, **identity, id_=seq) for seq in seqs),
    ]
    path = tmp_path / "round"
    path.unlink(missing_ok=True)
    assert read(written(path, put)) == put


def test_any_tool_reads_it(tmp_path):
    content = gzip.decompress(written(tmp_path / "a").read_bytes())
    decoder = cbor2.CBORDecoder(BytesIO(content))
    items = [cbor2.loads(decoder.decode()) for _ in range(len(samples.some()) + 1)]
    assert [items[0][0], items[0][1]["format"], items[-1][:2]] == [0, "fieldgate-archive", [6, 20]]
    last = head(len(encode(End(records=20, sha256=bytes(32))))) + cbor2.dumps(items[-1])
    assert content.endswith(last)
    assert items[-1][2] == sha256(content.removesuffix(last)).digest()


def test_cut_anywhere_it_is_refused(tmp_path):
    whole = written(tmp_path / "a").read_bytes()
    cut = tmp_path / "cut"
    lengths = range(0, len(whole), 97)
    for length in lengths:
        cut.write_bytes(whole[:length])
        assert refused(cut).reason in {"not_an_archive", "truncated"}
    assert len(lengths) > 10


def test_500_flipped_bits_are_refused_or_change_nothing(tmp_path):
    whole = written(tmp_path / "a").read_bytes()
    draw = random.Random("flips of an archive")
    path = tmp_path / "flipped"
    harmless = 0
    for _ in range(500):
        octets = bytearray(whole)
        octets[draw.randrange(len(octets))] ^= 1 << draw.randrange(8)
        path.write_bytes(octets)
        try:
            assert read(path) == samples.some()
        except ArchiveError:
            continue
        harmless += 1
    assert harmless <= 10  # of the gzip head: a time, an operating system


def test_a_flipped_bit_of_the_content_is_refused_without_the_help_of_gzip(tmp_path):
    content = gzip.decompress(written(tmp_path / "a").read_bytes())
    draw = random.Random("flips of the content")
    path = tmp_path / "flipped"
    for _ in range(300):
        octets = bytearray(content)
        octets[draw.randrange(len(octets))] ^= 1 << draw.randrange(8)
        path.write_bytes(gzip.compress(bytes(octets), 1))
        assert refused(path).entry <= len(samples.some()) + 1


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_content_raises_nothing_but_archive_error(tmp_path, content):
    path = tmp_path / "any"
    path.write_bytes(gzip.compress(content, 1))
    assert refused(path).reason in {"entry", "truncated", "limit", "order", "version"}


def test_what_is_no_archive_is_told_from_a_damaged_one(tmp_path):
    path = tmp_path / "a"
    for octets, reason in [
        (b"", "not_an_archive"),
        (b"PK\x03\x04", "not_an_archive"),
        (gzip.compress(b"a text"), "entry"),
        (gzip.compress(b""), "truncated"),
        (written(tmp_path / "whole").read_bytes() + b"\0", "trailing"),
        (written(tmp_path / "twice").read_bytes() * 2, "trailing"),
    ]:
        path.write_bytes(octets)
        assert refused(path).reason == reason


def test_a_bomb_is_met_in_bounded_memory(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(b"\x59\xff\xff" + bytes(50_000_000), 9))
    error = refused(path)
    assert (error.reason, error.entry, error.offset) == ("limit", 0, 0)
    with path.open("rb") as file, pytest.raises(ArchiveError):
        list(Unpacker(file).entries())


def test_an_error_names_the_place(tmp_path):
    found = [encode(each) for each in samples.some()]
    offset = sum(len(head(len(each))) + len(each) for each in found[:9])
    found[9] = found[9][:-1] + bytes([found[9][-1] ^ 1])
    error = refused(packed(tmp_path / "a", found))
    assert (error.reason, error.entry, error.offset) == ("entry", 9, offset)
    what = "entry: the record's check sum is wrong"
    assert str(error) == f"{what} (entry 9, octet {offset} of the content)"


HEADER = encode(samples.HEADER)
RECORD = encode(samples.record(1))
BOOT_1 = encode(samples.host_boot())
LOSS = encode(NamedLoss(uid=samples.UID, boot=1, stream=1, seq=1, next_seq=2, reason="x"))


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ([], "order"),
        ([RECORD], "order"),
        ([HEADER, HEADER], "order"),
        ([HEADER, BOOT_1, RECORD, LOSS], "order"),
        ([HEADER, BOOT_1, BOOT_1], "order"),
        ([HEADER, RECORD], "entry"),
        ([HEADER, encode(samples.exchange())], "entry"),
        ([HEADER, RECORD + b"\0"], "entry"),
        ([HEADER, cbor2.dumps([Kind.RECORD, 1, 2])], "entry"),
        ([HEADER, cbor2.dumps([7, 1])], "entry"),
        ([HEADER, cbor2.dumps({})], "entry"),
        ([HEADER, bytes(ENTRY_OCTETS + 1)], "limit"),
        ([cbor2.dumps([0, {"format": "fieldgate-archive", "version": 2}])], "version"),
        ([cbor2.dumps([0, {"format": "something"}])], "entry"),
        ([HEADER, cbor2.dumps([Kind.END, 0, bytes(32)])], "damaged"),
        ([HEADER, cbor2.dumps([Kind.END, 1, bytes(32)])], "damaged"),
    ],
)
def test_what_does_not_belong_is_refused(tmp_path, contents, reason):
    assert refused(packed(tmp_path / "a", contents)).reason == reason


def test_the_message_must_be_of_its_record(tmp_path):
    other = samples.record(1)._replace(message=samples.block(2))
    error = refused(packed(tmp_path / "a", [HEADER, encode(other)]))
    assert "of another record" in str(error)


def test_entries_behind_the_end_are_refused(tmp_path):
    path = written(tmp_path / "a")
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content + content))
    assert refused(path).reason == "order"
    last = encode(End(records=0, sha256=bytes(32)))
    path.write_bytes(gzip.compress(content + head(len(last)) + last))
    assert refused(path).reason == "trailing"


def test_every_kind_has_a_limit(tmp_path):
    assert set(LIMITS) == set(Kind)
    contents = [HEADER] + [encode(samples.host_boot(number)) for number in range(LIMITS[Kind.HOST_BOOT] + 1)]
    assert refused(packed(tmp_path / "a", contents)).reason == "limit"


def test_half_an_archive_leaves_nothing(tmp_path):
    def fails():
        yield samples.HEADER
        raise KeyError

    with pytest.raises(KeyError):
        written(tmp_path / "a", fails())
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_there_is_not_overwritten(tmp_path):
    path = written(tmp_path / "a")
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        ArchiveWriter(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


def test_the_rest_of_a_pulled_stick_is_in_nobodys_way(tmp_path):
    (tmp_path / f"a{PART}").write_bytes(b"half")
    assert read(written(tmp_path / "a")) == samples.some()
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_full_stick_is_an_error_and_leaves_nothing():
    draw = random.Random(1)
    with Path("/dev/full").open("wb", buffering=0) as file:
        packer = Packer(file)
        with pytest.raises(OSError, match="No space left"):
            put_all(packer, (draw.randbytes(1000) for _ in range(1000)))
