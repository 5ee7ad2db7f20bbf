"""What a key of the configuration may hold: each check gives the value or raises ValueError.

The message is the end of a sentence that begins with the key: "must be ..., not ...".
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

NAME_LIMIT = 64  # a level of an MQTT topic: short, and without / + #
SHOWN_CHARACTERS = 60
CONSUMERS_LIMIT = 8  # of one sink: each costs a look through what is kept
URLS_LIMIT = 8  # brokers of one sink: the nodes of a cluster, and another cluster
_URL_SHAPE = "must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"


def found(value: object) -> str:
    """The value as a sentence names it: what it is and, if short, its text."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"the string {value[:SHOWN_CHARACTERS]!r}"
        case int() | float():
            return str(value)
        case list():
            return "an array"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def integer(low: int, high: int) -> Callable[[object], int]:
    """An integer from `low` to `high`."""

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:  # a bool is an int to isinstance
            raise ValueError(f"must be an integer from {low} to {high}, not {found(value)}")
        return value

    return check


def boolean(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {found(value)}")  # noqa: TRY004 - one kind of refusal
    return value


def choice(*words: str) -> Callable[[object], str]:
    """One of the words."""

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be {' or '.join(repr(word) for word in words)}, not {found(value)}")
        return value

    return check


def choices(*words: str) -> Callable[[object], tuple[str, ...]]:
    """An array of some of the words."""

    def check(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(each in words for each in value):
            raise ValueError(f"must be an array of {', '.join(repr(word) for word in words)}")
        return tuple(value)

    return check


def text(pattern: str, meaning: str) -> Callable[[object], str]:
    """A string that the pattern matches as a whole; `meaning` says it in words."""
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            raise ValueError(f"must be {meaning}, not {found(value)}")
        return value

    return check


topic_name = text(rf"[A-Za-z0-9_-]{{1,{NAME_LIMIT}}}", f"1 to {NAME_LIMIT} of A-Z a-z 0-9 _ -")


def host_name() -> str:
    """This host's name, fit for a topic."""
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname()).strip("-")
    return cleaned[:NAME_LIMIT] or "gateway"


def path_text(value: object) -> Path:
    """A path, absolute or not."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"must be a path, not {found(value)}")
    return Path(value)


def broker_url(value: object) -> str:
    """An MQTT broker's address. A secret does not belong into it."""
    if not isinstance(value, str) or re.search(r"[\s\0]", value):
        raise ValueError(f"{_URL_SHAPE}, not {found(value)}")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{_URL_SHAPE}: {str(error).lower()}") from None
    if "@" in parts.netloc:
        raise ValueError(f"{_URL_SHAPE}; name and secret go into the keys user and password_file")
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == 0 or extra:
        raise ValueError(f"{_URL_SHAPE}, not {found(value)}")
    return value


def broker_urls(value: object) -> tuple[str, ...]:
    """Several brokers' addresses, the preferred one first."""
    if not isinstance(value, list) or not 1 <= len(value) <= URLS_LIMIT:
        amount = f"{len(value)} of them" if isinstance(value, list) else found(value)
        raise ValueError(f"must be an array of 1 to {URLS_LIMIT} addresses, not {amount}")
    urls = tuple(broker_url(each) for each in value)
    if len(set(urls)) < len(urls):
        raise ValueError("must not have the same address twice")
    return urls


def consumer_names(value: object) -> tuple[str, ...]:
    """Names of consumers: each is a level of a topic."""
    if not isinstance(value, list) or not 1 <= len(value) <= CONSUMERS_LIMIT:
        amount = f"{len(value)} of them" if isinstance(value, list) else found(value)
        raise ValueError(f"must be an array of 1 to {CONSUMERS_LIMIT} names, not {amount}")
    names = tuple(topic_name(each) for each in value)
    if len(set(names)) < len(names):
        raise ValueError("must not have the same name twice")
    return names
