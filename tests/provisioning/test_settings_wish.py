import json

import pytest

from provisioning.settings_wish import InvalidSettings, SettingsWish, link_via
from wire.fields import TEXT_LIMIT
from wire.remote import SETTINGS_MOST


def test_without_a_wish_the_present_settings_stay():
    assert SettingsWish().resolve(b'{"node": {}}') is None


def test_a_file_is_written_as_it_is():
    assert SettingsWish(file=b'{ "queue_octets": 4096 }\n').resolve(b"{}") == b'{ "queue_octets": 4096 }\n'


def test_name_and_site_change_the_present_settings_and_nothing_else():
    present = b'{"node": {"name": "a", "site": "b"}, "queue_octets": 4096}'
    found = SettingsWish(site="pylon \u00e9").resolve(present)
    assert json.loads(found) == {"node": {"name": "a", "site": "pylon \u00e9"}, "queue_octets": 4096}


def test_a_name_makes_settings_where_there_are_none():
    assert json.loads(SettingsWish(name="n").resolve(None)) == {"node": {"name": "n"}}


def test_a_name_changes_the_file_that_is_given():
    found = SettingsWish(file=b'{"node": {"site": "s"}}', name="n").resolve(b'{"node": {"name": "x"}}')
    assert json.loads(found) == {"node": {"site": "s", "name": "n"}}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (b"{", "node.json: not JSON"),
        (b"\xff", "node.json: not JSON"),
        (b"[" * 5000, "node.json: not JSON"),
        (b"[]", "node.json: not an object"),
        (b" " * (SETTINGS_MOST + 1), f"node.json: {SETTINGS_MOST + 1} octets, limit {SETTINGS_MOST}"),
    ],
)
def test_a_file_that_no_node_reads_is_refused_at_once(file, expected):
    with pytest.raises(InvalidSettings, match=expected):
        SettingsWish(file=file, source="node.json")


def test_a_name_over_the_limit_is_refused():
    SettingsWish(name="x" * TEXT_LIMIT)
    with pytest.raises(InvalidSettings, match="--name: over 200 octets"):
        SettingsWish(name="x" * (TEXT_LIMIT + 1))


@pytest.mark.parametrize("present", [b"torn", b'{"node": 5}'])
def test_present_settings_that_cannot_be_changed_are_named(present):
    with pytest.raises(InvalidSettings, match="on the board"):
        SettingsWish(name="n").resolve(present)


def test_the_present_settings_may_grow_up_to_the_limit():
    present = json.dumps({"node": {}, "x": "y" * (SETTINGS_MOST - 30)}).encode()
    with pytest.raises(InvalidSettings, match="the settings would be"):
        SettingsWish(name="n" * 100).resolve(present)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [(None, "console"), (b'{"link": {"via": "uart"}}', "uart"), (b"[]", "console"), (b"{", "console")],
)
def test_the_line_of_the_link_is_read_from_the_settings(settings, expected):
    assert link_via(settings) == expected
