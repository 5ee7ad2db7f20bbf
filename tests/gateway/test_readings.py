"""gateway/readings.py"""

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.descriptors import Channel, Descriptors, Unreadable
from gateway.node_clock import TimeState
from gateway.readings import Loss, absolute, pack_of
from gateway.timeline import UtcInstant
from tests.gateway.sinks.records import AIR_HASH, BOOT, UID, Library, block, gap
from wire import cbor, up
from wire.block import PACE_US
from wire.scans import scans_of

MS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Row:
    """A stored record."""

    message: bytes
    descriptor: bytes = AIR_HASH
    id: int = 1
    uid: bytes = UID
    boot: int = BOOT
    stream: int = 1
    seq: int = 7
    host_boot: int = 3
    arrived_ns: int = 10**12


class TickedUtc:
    """UTC = ticks: a node whose clock is known, all the worse the later."""

    state = TimeState.RESOLVED
    witness = False  # at the end

    def utc(self, uid, boot, ticks, *, arrived_ns, host_boot):
        assert (uid, boot, arrived_ns, host_boot) == (UID, BOOT, 10**12, 3)
        state = self.state if ticks > 12_000_000 else TimeState.RESOLVED
        return UtcInstant(ticks * 1000, ticks, state, self.witness and ticks > 12_000_000)


@pytest.fixture
def library():
    return Library()


def read(message, library, timeline=None, **row):
    return pack_of(Row(message=message, **row), Descriptors(library), timeline or TickedUtc())


def test_a_block_has_names_units_and_the_time_of_every_scan(library):
    pack = read(block(7, scans=3), library)
    assert (pack.uid, pack.boot, pack.stream, pack.seq, pack.next_seq) == (UID, BOOT, 1, 7, 8)
    assert pack.descriptor.name == "bridge-north"
    assert pack.group.name == "air"
    assert pack.group.channels[0] == Channel(name="air_temperature", unit="Cel", exp=-2)
    assert pack.values == [2548, 4512, 101325, 2549, 4512, 101324, 2550, 4512, 101323]
    assert pack.utc_ns == 12_000_000_000
    assert pack.offsets_us() == [0, 1_000_000, 2_000_000]


def test_uncertainty_and_state_are_the_worse_of_both_ends(library):
    timeline = TickedUtc()
    timeline.state = TimeState.PROVISIONAL
    pack = read(block(7, scans=2), library, timeline)
    assert pack.uncertainty_ns == 13_000_000
    assert pack.state is TimeState.PROVISIONAL


@pytest.mark.parametrize("message", [block(7, scans=2), gap(7, 9)], ids=["block", "gap"])
def test_one_end_that_a_node_carried_through_a_boot_is_enough_to_say_so(library, message):
    timeline = TickedUtc()
    assert not read(message, library, timeline).witness
    timeline.witness = True
    assert read(message, library, timeline).witness


def test_scans_without_a_time_stamp_of_their_own_add_the_tolerance_of_the_pace(library):
    pack = read(block(7, scans=3), library, TickedUtc())
    assert pack.uncertainty_ns == 14_000_000 + PACE_US * 1000


def test_a_gap_tells_what_is_lost_and_of_which_time(library):
    loss = read(gap(7, 9), library)
    assert loss == Loss(
        UID, BOOT, 1, 7, 9, "queue_full", 12_000_000_000, 500 * MS, 12_500_000, TimeState.RESOLVED
    )


def test_a_gap_without_times_is_not_one_of_the_nodes_boot(library):
    untimed = up.Gap(BOOT, 1, 7, 9, "lost_by_gateway", 0, 0).encode(cbor.Encoder(64))
    assert not read(untimed, library).timed
    assert read(gap(7, 9), library).timed


def test_a_gap_needs_no_descriptor(library):
    library.bodies.clear()
    assert read(gap(7, 9), library).next_seq == 9


def test_a_missing_value_keeps_its_reason(library):
    message = up.Block(BOOT, 1, 7, 0, 0, 0, [None, 2, None], {0: 6}).encode(cbor.Encoder(1024))
    pack = read(message, library)
    assert pack.values == [None, 2, None]
    assert (pack.fault(0), pack.fault(2)) == ("reset_value", "missing")


@given(st.integers(1, 5), st.integers(1, 8), st.data())
def test_differences_are_undone_as_the_wire_undoes_them(channels, scans, data):
    numbers = st.one_of(st.none(), st.integers(-1000, 1000)) if data.draw(st.booleans()) else st.integers()
    size = channels * scans
    values = data.draw(st.lists(numbers, min_size=size, max_size=size))
    one = up.Block(1, 1, 1, 0, 0, 0, values, {})
    assert absolute(one, channels) == [value for scan in scans_of(one, channels) for value in scan]


UNREADABLE = [
    (block(7, group=1), "group_unknown"),
    (up.Block(BOOT, 1, 7, 0, 0, 0, [1, 2], {}).encode(cbor.Encoder(1024)), "block_shape"),
    (up.Block(BOOT, 1, 7, 0, 0, 0, [], {}).encode(cbor.Encoder(1024)), "block_shape"),
    (up.Log(1, "info", "x").encode(cbor.Encoder(1024)), "not_a_record"),
]


@pytest.mark.parametrize(("message", "reason"), UNREADABLE)
def test_a_record_that_does_not_fit_is_refused_by_name(message, reason, library):
    with pytest.raises(Unreadable) as refused:
        read(message, library)
    assert refused.value.reason == reason


@given(st.binary(max_size=60))
def test_any_stored_octets_raise_nothing_but_unreadable(octets):
    with suppress(Unreadable):
        assert read(octets, Library()).seq >= 0
