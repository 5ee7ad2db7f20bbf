from xml.etree import ElementTree as ET

from hil_tests.demo.ledger import Evidence, balance
from hil_tests.demo.picture import save_picture
from hil_tests.demo.snapshot import Phase, Row, Snapshot

NOW_S = 1_800_000_000.0
ROW = Row(node="node-1", channel="t", value="21.50 °C", utc_s=NOW_S, age_s=0.5, link="open")
NOTHING = Evidence(
    sampled=0,
    acknowledged=set(),
    acknowledged_scans=0,
    stored=set(),
    delivered=0,
    received=[],
    gaps=[],
    waiting=set(),
    latencies_s=[],
)


def test_the_picture_shows_table_and_ledger_and_loads_nothing(tmp_path):
    path = tmp_path / "demo.svg"
    save_picture(path, Snapshot(now_s=NOW_S, phase=Phase.RUNNING, rows=(ROW,)), balance(NOTHING))
    svg = path.read_text(encoding="utf-8")
    words = "".join(ET.fromstring(svg).itertext()).replace("\xa0", " ")
    assert "21.50 °C" in words
    assert "acknowledged, and now nowhere to be found" in words
    assert "url(http" not in svg
    assert "@font-face" not in svg
