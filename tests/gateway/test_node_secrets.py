import json

import pytest

from firmware import link_settings
from gateway.node_secrets import hidden, kept
from wire.remote import HIDDEN


def settings(key="a secret", password="another one", ssid="site", user="240ac4000001"):
    link = {"wifi": {"ssid": ssid, "key": key}, "broker": {"user": user, "password": password}}
    return json.dumps({"link": link}).encode()


def secrets_of(octets):
    link = json.loads(octets)["link"]
    return link["wifi"]["key"], link["broker"]["password"]


def test_a_node_knows_what_stands_for_a_secret():
    assert link_settings.HIDDEN == HIDDEN


@pytest.mark.parametrize("octets", [b'{"node": {"name": "\t"}}', b"[1]", b"3"])
def test_where_nothing_can_be_secret_all_is_shown_as_it_is(octets):
    assert hidden(octets) == octets


@pytest.mark.parametrize(
    "octets",
    [
        settings(),
        settings().replace(b'"key"', b'"k\\u0065y"').replace(b'"link"', b'"lin\\u006b"'),
        b'{"link": {"wifi": {"key": "a secret"}}, "link": {"via": "uart"}}',
        b'{"link": {"wifi": {"key": "a secret", "key": "another one"}}}',
        b'{"link": {"wifi": {"key": ["a secret"]}}}',
    ],
)
def test_no_way_of_writing_it_shows_a_secret(octets):
    shown = hidden(octets)
    assert b"a secret" not in shown
    assert b"another one" not in shown


@pytest.mark.parametrize("octets", [b"", b'{"link": {"wifi": {"key": "a secret', b"[" * 8000, b"\xff"])
def test_what_is_no_json_is_not_shown(octets):
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        hidden(octets)


def test_what_was_hidden_is_kept():
    assert secrets_of(kept(hidden(settings()), settings())) == ("a secret", "another one")
    assert secrets_of(kept(settings(key=HIDDEN, password="new one"), settings())) == ("a secret", "new one")


@pytest.mark.parametrize(
    ("wanted", "in_force", "expected"),
    [
        (settings(HIDDEN, HIDDEN, ssid="other"), settings(), (HIDDEN, "another one")),
        (settings(HIDDEN, HIDDEN, user="other"), settings(), ("a secret", HIDDEN)),
        (settings(HIDDEN, HIDDEN), b"{}", (HIDDEN, HIDDEN)),
        (settings(HIDDEN, HIDDEN), b"", (HIDDEN, HIDDEN)),
    ],
)
def test_a_secret_of_another_network_or_user_stays_hidden_for_the_node_to_refuse(wanted, in_force, expected):
    assert secrets_of(kept(wanted, in_force)) == expected


def test_what_is_no_json_goes_to_the_node_as_it_is():
    octets = HIDDEN.encode() + b"["
    assert kept(octets, settings()) == octets
