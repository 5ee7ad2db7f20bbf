"""Which version of MQTT a broker speaks, found by asking.

Asked with 5, a broker that speaks 3.1.1 only says so (CONNACK 0x01 or 0x84), or closes the connection
without a word. The latter is also what a load balancer does that has no broker behind it, so it
proves something only if the same broker takes 3.1.1 in the next moment and closes again with 5.
"""

from __future__ import annotations

from enum import Enum, IntEnum

ASK_AGAIN_S = 86_400.0  # a broker may have been replaced: once a day the next connection begins with 5


class Version(IntEnum):
    """The protocol level in CONNECT (section 3.1.2.2 of both standards)."""

    MQTT_3_1_1 = 4
    MQTT_5 = 5

    @property
    def shown(self) -> str:
        """As people write it."""
        return "mqtt 5" if self is Version.MQTT_5 else "mqtt 3.1.1"


class _Known(Enum):
    NOTHING = (Version.MQTT_5,)
    NEW = (Version.MQTT_5, "speaks 5")
    DOUBTED = (Version.MQTT_3_1_1, "closed without a word when asked with 5")
    CHECKED = (Version.MQTT_5, "took 3.1.1 just after; asked with 5 once more")
    OLD = (Version.MQTT_3_1_1, "does not speak 5")


class ProtocolMemory:
    """What is known of one broker in this run. Times are any clock's that does not go back."""

    def __init__(self) -> None:
        self._known = _Known.NOTHING
        self._old_since_s = 0.0

    def version(self, now_s: float) -> Version:
        """The one to ask with now."""
        if self._known is _Known.OLD and now_s - self._old_since_s >= ASK_AGAIN_S:
            self._known = _Known.NOTHING
        version: Version = self._known.value[0]
        return version

    def accepted(self) -> bool:
        """The broker took the connection. False: leave it and ask once more, for certainty."""
        if self._known is _Known.DOUBTED:
            self._known = _Known.CHECKED
            return False
        if self._known is not _Known.OLD:
            self._known = _Known.NEW
        return True

    def refused(self, now_s: float) -> bool:
        """The broker does not speak this version. True: ask at once with the other."""
        if self._known in (_Known.OLD, _Known.DOUBTED):
            self._known = _Known.NOTHING  # neither: who knows what it is now
            return False
        return self._is_old(now_s)

    def unanswered(self, now_s: float) -> bool:
        """The connection was closed before any answer. True: ask at once with the other."""
        match self._known:
            case _Known.CHECKED:
                return self._is_old(now_s)
            case _Known.NOTHING | _Known.NEW:
                self._known = _Known.DOUBTED
                return True
            case _:
                self._known = _Known.NOTHING
                return False

    def not_understood(self) -> None:
        """The broker said something that belongs to neither answer: begin from nothing."""
        self._known = _Known.NOTHING

    def _is_old(self, now_s: float) -> bool:
        self._known = _Known.OLD
        self._old_since_s = now_s
        return True
