"""Reason codes of MQTT 5 as stable words."""

from __future__ import annotations

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode


def word(reason: ReasonCode) -> str:
    """A reason code's name as a stable word: `quota_exceeded`."""
    return str(reason).lower().replace(" ", "_")


def puback_word(reason: int) -> str:
    """The word for a PUBACK's reason code; the number of one that is none.

    Some brokers answer a record with what belongs into a DISCONNECT, such as packet_too_large.
    """
    for packet in (PacketTypes.PUBACK, PacketTypes.DISCONNECT):
        try:
            return word(ReasonCode(packet, identifier=reason))
        except (KeyError, ValueError):  # unknown, or not in this packet
            continue
    return f"{reason:#04x}"
