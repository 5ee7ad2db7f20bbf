"""What can go wrong with octets from the other end."""


class WireError(Exception):
    """The other end sent something that the protocol does not allow.

    `reason` is a stable word, fit for a counter's name; the message adds what was seen and the
    limit. Hostile octets raise this and nothing else.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason + ": " + detail if detail else reason)
        self.reason = reason
        self.detail = detail
