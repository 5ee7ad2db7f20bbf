from hypothesis import given
from hypothesis import strategies as st

from firmware.fifo import CHUNK, Fifo


@given(st.lists(st.sampled_from(["append", "append", "take"]), max_size=5 * CHUNK), st.integers(0, 3 * CHUNK))
def test_it_is_a_list_that_grows_at_its_end_and_shrinks_at_its_start(steps, before):
    fifo = Fifo()
    model = []
    for number, step in enumerate(["append"] * before + steps):
        if step == "append":
            fifo.append(number)
            model.append(number)
        elif model:
            assert fifo.take() == model.pop(0)
    assert [fifo[at] for at in range(len(fifo))] == model


def test_no_piece_is_longer_than_a_chunk_and_what_was_taken_is_let_go():
    fifo = Fifo()
    for round_of in range(3):
        for number in range(10 * CHUNK):
            fifo.append((round_of, number))
        while len(fifo):
            fifo.take()
    assert len(fifo) == 0
