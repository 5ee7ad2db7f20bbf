import pytest

from gateway.store import StoreError
from gateway.store.import_stream import NOT_IN_IMPORT
from tests.gateway.archive import samples
from tests.gateway.store.bench import change, opened
from tests.gateway.store.gateways import Gateway, filled, seqs, stick


@pytest.fixture
def first(tmp_path):
    return filled(tmp_path / "first")


@pytest.fixture
def home(tmp_path):
    return Gateway(tmp_path / "home", machine="machine-2")


def test_an_archive_can_be_of_one_node_or_of_a_time(first, tmp_path):
    first.fill(range(5), uid=samples.OTHER)
    assert seqs(stick(first, "one", node=samples.OTHER)) == list(range(5))
    began_ns = samples.OFFSET_NS + samples.record(90).arrived_ns
    late = seqs(stick(first, "late", node=samples.UID, since_ns=began_ns))
    early = seqs(stick(first, "early", node=samples.UID, until_ns=began_ns))
    assert set(late) | set(early) == set(seqs(stick(first, "both", node=samples.UID)))
    assert late[-10:] == list(range(90, 100))
    assert len(late) <= 11
    first.boot(offset_ns=None)
    assert len(seqs(stick(first, "unknown", since_ns=began_ns))) == 101


def test_a_sink_that_is_not_there_is_an_error(first, tmp_path):
    first.sink("mqtt")
    with pytest.raises(StoreError, match="no sink 'mqqt', but for: mqtt"):
        first.export(tmp_path / "x", sink="mqqt")
    assert not (tmp_path / "x").exists()


def test_damaged_records_stay_at_home_and_are_counted(first, home):
    change(first.directory, "UPDATE record SET message = x'00' WHERE id = 7")
    change(first.directory, "UPDATE exchange SET t2_us = t2_us + 1 WHERE t1_ns = 1000000000")
    path = first.directory.parent / "stick"
    done = first.export(path)
    assert (done.records, done.damaged, len(done.damaged_rows)) == (95, 1, 1)
    home.take(path)
    assert home.losses() == [(6, 7, NOT_IN_IMPORT), (50, 55, "queue_full")]


async def test_a_running_agent_is_not_disturbed(first, home):
    async with opened(first.directory) as bench:
        bench.append(range(100, 150))
        path = stick(first)
        await bench.store.flush()
        assert bench.refusals == []
        assert len(bench.acknowledged) == 50
    assert set(seqs(path)) >= set(range(50))
    assert home.take(path).readings >= 95
