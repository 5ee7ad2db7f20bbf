"""A block says two times; the scans between them must have been taken at an even pace."""

from hypothesis import example, given
from hypothesis import strategies as st

from wire import cbor, up
from wire.block import PACE_US, BlockBuilder

SCANS = 10


def blocks_of(stamps):
    """Scans at these ticks, in blocks that the builder's rule ends; each scan's value is its stamp."""
    builder = BlockBuilder(1, SCANS)
    blocks = []

    def end():
        if builder.count:
            blocks.append(up.decode(builder.encode(cbor.Encoder(1024), 1 << 16, 1, len(blocks), 0)))
        builder.clear()

    for stamp in stamps:
        if builder.full or not builder.keeps_pace(stamp):
            end()
        builder.add(stamp, (stamp,))
    end()
    return blocks


def dated(block):
    """(stated, true) ticks of each scan."""
    true = 0
    last = max(1, len(block.values) - 1)
    for number, step in enumerate(block.values):
        true += step
        yield block.t_first + block.span * number / last, true


steps = st.one_of(st.integers(90_000, 110_000), st.integers(0, 10_000_000), st.just(100_000))


@given(st.lists(steps, max_size=60))
@example([100_000, 100_000 + 2 * PACE_US + 2, 100_000, 100_000])
def test_no_scan_is_dated_further_off_than_the_pace_allows(steps):
    stamps = [5_000_000]
    for step in steps:
        stamps.append(stamps[-1] + step)
    blocks = blocks_of(stamps)
    scans = [scan for block in blocks for scan in dated(block)]
    assert [true for _, true in scans] == stamps
    assert all(abs(stated - true) <= PACE_US for stated, true in scans)
    for block in blocks:
        stated, true = zip(*dated(block), strict=True)
        assert (stated[0], stated[-1]) == (true[0], true[-1])


def test_scans_within_half_the_tolerance_of_a_grid_share_full_blocks():
    jitter = [0, PACE_US // 2, 100, PACE_US // 3, 0, PACE_US // 2, PACE_US // 2, 7, 0, 1] * 3
    stamps = [100_000 * number + late for number, late in enumerate(jitter)]
    assert [len(block.values) for block in blocks_of(stamps)] == [SCANS] * 3
