"""The words for what a sink is doing."""

from __future__ import annotations

from enum import StrEnum


class SinkState(StrEnum):
    """What a sink is doing; docs/operator.md explains them."""

    CONNECTING = "connecting"
    UNREACHABLE = "unreachable"
    REJECTED = "rejected"
    TLS_FAILED = "tls_failed"
    FILE_UNREADABLE = "file_unreadable"  # one that the configuration names
    LOST = "connection_lost"
    TAKEN_OVER = "taken_over"  # by another client with our id
    ONLINE = "online"
    REFUSED = "refused"
    WAITING_FOR_TIME = "waiting_for_time"
    STORE_UNREADABLE = "store_unreadable"
    DEAD_LETTERS = "dead_letters"  # some records were refused for good
    DEAD_LETTERS_FULL = "dead_letters_full"  # and there is no room for more of them
    NOT_CONFIGURED = "not_configured"  # known from a former run only: nobody delivers to it
