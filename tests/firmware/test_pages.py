from hypothesis import given
from hypothesis import strategies as st

from firmware.pages import LENGTH_OCTETS, PAGE_OCTETS, Pages, Pool

records = st.binary(max_size=40) | st.sampled_from([510, 511, 512, 1024]).map(bytes)
steps = st.lists(st.one_of(records, st.just("forget"), st.integers(0, 30)), max_size=60)


@given(steps)
def test_it_is_a_list_of_records_that_grows_at_its_end_and_shrinks_at_its_start(steps):
    pages = Pages(Pool(lambda: True))
    model = []
    for step in steps:
        if isinstance(step, bytes):
            assert pages.append(step)
            model.append(step)
        elif step == "forget" and model:
            assert pages.forget() == len(model.pop(0))
        elif isinstance(step, int) and step < len(model):
            assert pages.get(step) == model[step]
    assert len(pages) == len(model)
    assert [pages.get(at) for at in range(len(model))] == model


def test_pages_go_when_their_records_have_gone():
    pages = Pages(Pool(lambda: True))
    for _ in range(50):
        for _ in range(100):
            pages.append(b"x" * 100)
        for _ in range(100):
            pages.forget()
    assert len(pages._pages) <= 1


def test_there_are_as_many_pages_as_the_records_need():
    pages = Pages(Pool(lambda: True))
    for _ in range(PAGE_OCTETS):
        pages.append(bytes(64 - LENGTH_OCTETS))
    assert len(pages._pages) == 64


@given(st.lists(st.tuples(records, st.booleans()), max_size=60))
def test_a_record_without_a_page_changes_nothing(steps):
    room = True
    pages = Pages(Pool(lambda: room))
    model = []
    for record, room in steps:
        if pages.append(record):
            model.append(record)
        else:
            assert not room
    assert [pages.get(at) for at in range(len(pages))] == model


def test_a_page_that_came_back_serves_again_when_the_heap_gives_none():
    room = True
    pages = Pages(Pool(lambda: room))
    record = bytes(PAGE_OCTETS - LENGTH_OCTETS)
    assert pages.append(record)
    assert pages.append(record)
    room = False
    assert not pages.append(record)
    pages.forget()
    assert pages.append(record)
    assert not pages.append(record)
