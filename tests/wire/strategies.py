"""Hypothesis strategies for everything that travels on the link."""

from hypothesis import strategies as st

from wire import down, fields, remote, up

uids = st.binary(min_size=6, max_size=8)
boots = st.integers(0, fields.BOOT_LIMIT)
streams = st.integers(0, fields.STREAM_LIMIT)
seqs = st.integers(0, fields.SEQ_LIMIT)
ticks = st.integers(0, fields.TICKS_LIMIT)
windows = st.integers(0, fields.WINDOW_LIMIT)
texts = st.text(max_size=50)
hashes = st.binary(min_size=8, max_size=8)
raws = st.one_of(st.none(), st.integers(-(2**33), 2**33), st.integers(-50, 50))

# Any value of the CBOR subset. Single floats only: that is what a node has.
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**64), 2**64 - 1),
        st.floats(width=32, allow_nan=False),
        st.binary(max_size=20),
        st.text(max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.integers(-(2**32), 2**32), st.text(max_size=8)), inner, max_size=4),
    ),
    max_leaves=12,
)


@st.composite
def points(draw, seqs_each):
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        numbers = sorted(draw(st.lists(seqs, min_size=seqs_each, max_size=seqs_each)))
        rows.append([draw(boots), draw(streams), *numbers])
    return rows


@st.composite
def blocks(draw):
    raw = draw(st.lists(raws, max_size=40))
    missing = [at for at, value in enumerate(raw) if value is None]
    chosen = draw(st.sets(st.sampled_from(missing))) if missing else set()
    return up.Block(
        draw(boots),
        draw(streams),
        draw(seqs),
        draw(st.integers(0, fields.GROUP_LIMIT)),
        draw(ticks),
        draw(ticks),
        raw,
        {at: draw(st.integers(0, 255)) for at in sorted(chosen)},
    )


@st.composite
def gaps(draw):
    first = draw(seqs)
    return up.Gap(
        draw(boots),
        draw(streams),
        first,
        draw(st.integers(first + 1, fields.SEQ_LIMIT + 1)),
        draw(texts),
        draw(ticks),
        draw(ticks),
    )


@st.composite
def time_replies(draw):
    received, sent = sorted((draw(ticks), draw(ticks)))
    return up.TimeReply(draw(seqs), received, sent)


trials = st.sampled_from(["", "settings", "application"])
hellos = st.builds(
    up.Hello,
    uids,
    boots,
    ticks,
    texts,
    hashes,
    texts,
    points(2),
    st.integers(0, 0xFFFF),
    hashes,
    st.just(0),
    trials,
    st.lists(st.tuples(boots, hashes).map(list), max_size=4),
)
ups = st.one_of(
    hellos,
    st.builds(up.Describe, st.dictionaries(st.text(max_size=8), values, max_size=4)),
    blocks(),
    gaps(),
    time_replies(),
    st.builds(up.Log, ticks, texts, texts),
    st.builds(remote.Result, seqs, texts, values),
)
downs = st.one_of(
    st.builds(down.Welcome, texts, points(1), windows, st.booleans(), hashes),
    st.builds(down.Ack, boots, streams, seqs, windows),
    st.builds(down.Time, seqs),
    st.builds(down.Who),
    st.builds(remote.Command, seqs, texts, st.dictionaries(st.text(max_size=8), values, max_size=4)),
    st.builds(remote.Chunk, seqs, seqs, st.binary(min_size=1, max_size=remote.CHUNK_OCTETS)),
)
