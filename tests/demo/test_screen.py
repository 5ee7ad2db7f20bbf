import io

import pytest
from rich.console import Console

from hil_tests.demo.identity import Stream
from hil_tests.demo.publication import Block, Reading
from hil_tests.demo.screen import LiveScreen, PlainScreen, plain_line, table
from hil_tests.demo.snapshot import Phase, Row, Snapshot, rows_of, value_text

NOW_S = 1_800_000_000.25
NODE = "aabbccddeeff"


def console(width=80, height=24, **kwargs):
    return Console(width=width, height=height, file=io.StringIO(), legacy_windows=False, **kwargs)


def drawn(snapshot, **size):
    screen = console(**size)
    screen.print(table(snapshot, screen.height, screen.width))
    return screen.file.getvalue().splitlines()


def row(**differing):
    found = {
        "node": "node-1",
        "channel": "relative_humidity",
        "value": "100800 Pa",
        "utc_s": NOW_S - 0.5,
        "age_s": 0.5,
        "link": "describing",
    }
    return Row(**(found | differing))


def snapshot(rows, **differing):
    found = {"now_s": NOW_S, "phase": Phase.RUNNING, "left_s": 12.3, "rows": tuple(rows)}
    return Snapshot(**(found | {"stored": 12, "delivered": 11, "waiting": 1, "received": 11} | differing))


def block(*readings):
    return Block(identity=Stream(NODE, 1, 1).record(0), readings=readings)


def test_the_table_is_readable_at_80_columns():
    lines = drawn(snapshot([row(), row(channel="bridge_counts", value="-8388607 counts")]))
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    expected = (
        "node-1",
        "relative_humidity",
        "100800 Pa",
        "-8388607 counts",
        "0.5 s",
        "describing",
        "07:59:59.750",
    )
    assert not [word for word in expected if word not in text]
    assert "running, 12 s left" in lines[0]
    assert "12 stored, 11 delivered, 1 waiting, 11 received" in text


def test_on_a_narrow_terminal_the_time_goes_and_nothing_is_cut():
    row_of_counts = row(node="node-10", value="-8388607 counts")
    text = "\n".join(drawn(snapshot([row_of_counts]), width=60))
    expected = ("node-10", "relative_humidity", "-8388607 counts", "0.5 s", "describing")
    assert not [word for word in expected if word not in text]
    assert "07:59:59" not in text


def test_a_table_never_is_higher_than_the_terminal():
    rows = [row(node=f"node-{n}", channel=f"channel_{n}_{c}") for n in range(10) for c in range(4)]
    lines = drawn(snapshot(rows, remarks=("broker does not answer",)), height=24)
    assert len(lines) <= 23  # and the cursor's own line
    assert any("more rows than this terminal has" in line for line in lines)
    assert "broker does not answer" in lines[-1]


def test_a_terminal_that_is_high_enough_shows_every_row():
    rows = [row(node=f"node-{n}") for n in range(10)]
    lines = drawn(snapshot(rows), height=24)
    assert sum("relative_humidity" in line for line in lines) == 10


def test_colour_goes_to_terminals_only():
    plain, coloured = console(), console(force_terminal=True, color_system="standard")
    for screen in (plain, coloured):
        with LiveScreen(screen) as live:
            live.show(snapshot([row(link="open")]))
    assert "\x1b" not in plain.file.getvalue()
    assert "\x1b[32m" in coloured.file.getvalue()


def test_plain_output_is_one_line_now_and_then_and_at_every_change():
    screen = console(width=40)
    with PlainScreen(screen, every_s=3600.0) as plain:
        plain.show(snapshot([row()], phase=Phase.STARTING))
        plain.show(snapshot([row()], phase=Phase.STARTING))
        plain.show(snapshot([row(link="open")], phase=Phase.RUNNING))
    lines = screen.file.getvalue().splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "2027-01-15T08:00:00Z starting",
        "2027-01-15T08:00:00Z running",
    ]
    assert "1 of 1 nodes linked" in lines[1]


def test_a_plain_line_tells_what_is_wrong():
    assert plain_line(snapshot([row()], remarks=("the broker does not answer",))).endswith(
        "; the broker does not answer"
    )


def test_a_node_of_which_nothing_came_has_a_row():
    assert list(rows_of({NODE: "node-1"}, {}, {}, NOW_S)) == [
        Row(node="node-1", channel="-", value="-", utc_s=None, age_s=None, link="starting")
    ]


def test_a_row_shows_the_latest_reading_and_its_age():
    latest = block(Reading("t", 21.0, "Cel", "", NOW_S - 2), Reading("t", 21.5, "Cel", "", NOW_S - 1))
    assert list(rows_of({NODE: "node-1"}, {(NODE, "t"): latest}, {NODE: "open"}, NOW_S)) == [
        Row(node="node-1", channel="t", value="21.50 °C", utc_s=NOW_S - 1, age_s=1.0, link="open")
    ]


def test_a_missing_value_shows_its_fault():
    latest = block(Reading("t", None, "", "bus", NOW_S))
    (found,) = rows_of({NODE: "node-1"}, {(NODE, "t"): latest}, {NODE: "open"}, NOW_S)
    assert (found.value, found.faulty) == ("bus", True)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "Cel", "0.00 °C"),
        (55.126, "%RH", "55.13 %"),
        (100_812.0, "Pa", "100812 Pa"),
        (-48_211.0, "count", "-48211 counts"),
        (1.5, "", "1.50"),
    ],
)
def test_values_are_shown_with_their_unit(value, unit, text):
    assert value_text(Reading("x", value, unit, "", NOW_S)) == text
