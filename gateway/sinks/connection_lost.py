"""How a connection to a broker ends, or does not come about."""

from __future__ import annotations

# Reasons that others ask for.
UNREACHABLE = "unreachable"
TLS_FAILED = "tls_failed"
REJECTED = "rejected"
FILE_UNREADABLE = "file_unreadable"
ACK_TIMEOUT = "ack_timeout"
TAKEN_OVER = "taken_over"


class ConnectionLost(Exception):
    """There is no connection (any more). `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class VersionRefused(ConnectionLost):
    """The broker does not speak the version that it was asked with."""

    def __init__(self) -> None:
        super().__init__(REJECTED, "unsupported_protocol_version")


class Unanswered(ConnectionLost):
    """The broker closed the connection before it had said anything."""

    def __init__(self) -> None:
        super().__init__("connection_lost", "closed without an answer")
