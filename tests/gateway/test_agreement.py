"""gateway/agreement.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement import Span, agreed

PLACES = st.integers(-50, 50)
SPANS = st.lists(
    st.tuples(PLACES, PLACES).map(lambda pair: Span(min(pair), max(pair))), min_size=1, max_size=8
)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([Span(8, 12), Span(11, 13), Span(14, 15)], Span(11, 12)),  # RFC 5905 has this figure
        ([Span(8, 12), Span(11, 13), Span(10, 12)], Span(11, 12)),
        ([Span(8, 9), Span(8, 12), Span(10, 12)], Span(8, 9)),
        ([Span(0, 10)], Span(0, 10)),
        ([Span(0, 10), Span(20, 25)], Span(20, 25)),  # nobody agrees: the narrower one
        ([Span(0, 10), Span(10, 20)], Span(10, 10)),
        ([Span(5, 5), Span(5, 5)], Span(5, 5)),
    ],
)
def test_what_most_agree_on(spans, expected):
    assert agreed(spans) == expected


@given(SPANS)
def test_no_other_place_is_in_more_spans(spans):
    found = agreed(spans)

    def votes(place):
        return sum(span.low <= place <= span.high for span in spans)

    most = max(votes(place) for place in range(-50, 51))
    assert found.low <= found.high
    assert votes(found.low) == votes(found.high) == most
