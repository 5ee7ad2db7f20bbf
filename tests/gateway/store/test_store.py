"""What is put into the store comes out of it, in this run and in the next."""

import pytest

from gateway.host_boot import HostBootRecord
from gateway.store import Arrival, StoreError, StoreState, losses
from gateway.store.records import MESSAGE_LIMIT
from tests.gateway.store.bench import BOOT, DESCRIPTOR, HASH, OTHER, UID, arrival, opened


async def test_records_are_told_committed_and_read_in_the_order_of_their_arrival(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(3))
        await bench.fill(range(10, 12), uid=OTHER)
        assert bench.acknowledged == [
            *(arrival(seq) for seq in range(3)),
            *(arrival(seq, uid=OTHER) for seq in range(10, 12)),
        ]
        stored = bench.store.read_after(0, 100)
        assert [each[:-1] for each in stored] == bench.acknowledged
        assert [each.id for each in stored] == [1, 2, 3, 4, 5]
        assert bench.store.read_after(2, 2) == stored[2:4]
        assert bench.store.read_after(5, 100) == []


async def test_what_the_store_names_as_lost_is_read_as_soon_as_it_is_committed(tmp_path):
    def name(connection, ledger):
        losses.name_loss(
            connection,
            ledger,
            uid=UID,
            boot=BOOT,
            stream=1,
            seq=0,
            next_seq=2,
            reason="tried",
            t_first=0,
            span=0,
            descriptor=HASH,
            host_boot=1,
            arrived_ns=0,
        )
        return False

    async with opened(tmp_path) as bench:
        await bench.fill(range(2))
        assert bench.store.read_after(2, 10) == []
        bench.store.put_work("name", name)
        await bench.store.flush()
        assert [(each.id, each.next_seq) for each in bench.store.read_after(2, 10)] == [(3, 2)]
    async with opened(tmp_path) as bench:
        assert [each.id for each in bench.store.read_after(0, 10)] == [1, 2, 3]


async def test_what_waits_together_is_one_commit_and_one_call(tmp_path):
    async with opened(tmp_path, group_commit_ms=250) as bench:
        before = bench.store.counts.commits
        await bench.fill(range(100))
        assert [len(commit) for commit in bench.commits] == [100]
        assert bench.store.counts.commits == before + 1
        assert bench.store.counts.committed == 100
        assert not bench.store.unsettled


async def test_a_reopened_store_goes_on_where_it_was(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(5))
        await bench.fill([7], stream=2)
    async with opened(tmp_path) as bench:
        assert bench.store.next_seqs(UID) == {(BOOT, 1): 5, (BOOT, 2): 8}
        assert bench.store.next_seqs(OTHER) == {}
        await bench.fill([5])
        assert bench.seqs() == [0, 1, 2, 3, 4, 7, 5]


async def test_closing_commits_what_waits(tmp_path):
    async with opened(tmp_path, group_commit_ms=250) as bench:
        bench.append(range(20))
    assert len(bench.acknowledged) == 20
    assert bench.store.state is StoreState.CLOSED
    assert not bench.store.append(arrival(20))
    async with opened(tmp_path) as bench:
        assert bench.seqs() == list(range(20))


async def test_a_gap_is_the_next_record_of_its_stream(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill([0])
        bench.store.append(arrival(1, next_seq=9))
        await bench.fill([9])
        assert bench.seqs() == [0, 1, 9]
        assert bench.store.next_seqs(UID) == {(BOOT, 1): 10}


@pytest.mark.parametrize(
    ("seqs", "stored", "refused"),
    [
        ((4,), [], [4]),
        ((6,), [], [6]),
        ((5, 7), [5], [7]),
        ((5, 5), [5], [5]),
        ((5, 7, 8, 6), [5], [7, 8, 6]),
    ],
)
async def test_a_record_out_of_sequence_refuses_itself_and_makes_no_hole(tmp_path, seqs, stored, refused):
    async with opened(tmp_path, group_commit_ms=250) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(5))
        bench.store.move_cursor("mqtt", 3)
        await bench.fill(seqs)
        [(told, error)] = bench.refusals
        assert ([each.seq for each in told], error.reason) == (refused, "sequence")
        assert bench.store.state is StoreState.OPEN
        assert bench.seqs() == [*range(5), *stored]
        await bench.fill([5 + len(stored)])
        assert bench.seqs() == [*range(5), *stored, 5 + len(stored)]
    async with opened(tmp_path) as bench:
        assert bench.store.cursor("mqtt") == 3


async def test_around_a_refused_record_the_other_streams_are_committed(tmp_path):
    async with opened(tmp_path, group_commit_ms=250) as bench:
        bench.append([0, 1])
        bench.append([0, 2], uid=OTHER)
        bench.append([2, 3])
        bench.append([3, 1], uid=OTHER)
        await bench.store.flush()
        assert [(each.uid, each.seq) for each in bench.acknowledged] == [
            (UID, 0),
            (UID, 1),
            (OTHER, 0),
            (UID, 2),
            (UID, 3),
        ]
        [(refused, _error)] = bench.refusals
        assert [(each.uid, each.seq) for each in refused] == [(OTHER, 2), (OTHER, 3), (OTHER, 1)]
        assert (bench.store.counts.committed, bench.store.counts.refused) == (5, 3)
        assert not bench.store.unsettled


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (arrival(0)._replace(boot=2**63), "unstorable"),
        (arrival(0)._replace(arrived_ns=2**63), "unstorable"),
        (arrival(0)._replace(message="text"), "unstorable"),
        (arrival(0, octets=MESSAGE_LIMIT + 1), "unstorable"),
        (arrival(3, next_seq=3), "sequence"),
    ],
)
async def test_what_cannot_be_stored_is_refused(tmp_path, wrong, reason):
    async with opened(tmp_path) as bench:
        assert bench.store.append(wrong)
        await bench.fill([7], uid=OTHER)
        assert [(len(arrivals), error.reason) for arrivals, error in bench.refusals] == [(1, reason)]
        await bench.fill([0])
        assert sorted(bench.seqs()) == [0, 7]


async def test_a_full_queue_takes_nothing_until_a_commit_made_room(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.store.store.QUEUE_LIMIT_OCTETS", 2000)
    async with opened(tmp_path, group_commit_ms=250) as bench:
        taken = 0
        while bench.store.append(arrival(taken)):
            taken += 1
        assert taken == 5  # of 468 octets each
        await bench.store.flush()
        await bench.fill([taken])
        assert bench.seqs() == list(range(taken + 1))


async def test_descriptors_are_known_at_once_and_kept(tmp_path):
    async with opened(tmp_path) as bench:
        assert not bench.store.has_descriptor(HASH)
        assert bench.store.put_descriptor(HASH, DESCRIPTOR)
        assert bench.store.has_descriptor(HASH)
        await bench.fill([0])
    async with opened(tmp_path) as bench:
        assert bench.store.descriptor(HASH) == DESCRIPTOR
        assert bench.store.descriptor_of(UID, BOOT) == DESCRIPTOR
        assert bench.store.descriptor_of(UID, BOOT + 1) is None


async def test_nodes_are_told_with_their_boots_and_arrivals(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(2), arrived_ns=500)
        await bench.fill([0], stream=2, arrived_ns=600)
        await bench.fill([0], boot=BOOT + 65536, host_boot=2, arrived_ns=3)
        await bench.fill([4], uid=OTHER, host_boot=2, arrived_ns=7)
        node, other = bench.store.nodes()
        assert node == (UID, 2, BOOT + 65536, (1, 500), (2, 3))
        assert other == (OTHER, 1, BOOT, (2, 7), (2, 7))


async def test_host_boots_are_replaced_by_number(tmp_path):
    first = HostBootRecord(number=1, boot_id="a", seen_ns=5, realtime_ns=6)
    later = HostBootRecord(
        number=1,
        boot_id="a",
        seen_ns=50,
        realtime_ns=60,
        offset_ns=10,
        uncertainty_ns=3,
        first_sync_ns=20,
        last_sync_ns=40,
    )
    second = HostBootRecord(number=2, boot_id="b", seen_ns=1, realtime_ns=1)
    async with opened(tmp_path) as bench:
        bench.store.put_host_boot(second)
        bench.store.put_host_boot(first)
        await bench.store.flush()
        assert bench.store.host_boots() == [first, second]
        bench.store.put_host_boot(later)
    async with opened(tmp_path) as bench:
        assert bench.store.host_boots() == [later, second]


async def test_the_octets_written_are_counted(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(100))
        before = bench.store.octets_written
        await bench.fill(range(100, 200))
        assert 10_000 < bench.store.octets_written - before < 200_000


async def test_a_mistake_in_the_program_is_a_state_and_what_waited_is_refused(tmp_path, monkeypatch):
    def mistake(_record, _id):
        raise ZeroDivisionError

    async with opened(tmp_path) as bench:
        await bench.fill([0])
        monkeypatch.setattr("gateway.store.ledger.checksum", mistake)
        await bench.fill([1, 2])
        assert [each.seq for each in bench.refusals[0][0]] == [1, 2]
        assert (bench.store.state, bench.store.detail) == (StoreState.FAILED, "ZeroDivisionError()")
        await bench.store.close()
        assert not bench.store.append(arrival(1))
        with pytest.raises(StoreError, match="commits nothing"):
            await bench.store.flush()
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0]


def test_an_arrival_has_the_order_of_its_row():
    order = "uid boot stream seq next_seq kind message descriptor host_boot arrived_ns"
    assert Arrival._fields == tuple(order.split())  # bound to SQL as it is
