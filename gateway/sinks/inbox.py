"""What a broker sends on its own: answers to a subscription, and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.sinks.reason_words import word

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

TOPICS_LIMIT = 64  # of those with a message that nobody has taken


class Inbox:
    """The latest message on each topic, until it is taken. Callbacks of paho's client."""

    def __init__(self) -> None:
        self.subscribed: str | None = None  # None: no answer yet; empty: yes; else why not
        self._messages: dict[str, bytes] = {}

    def take(self) -> dict[str, bytes]:
        """By topic, what came since the last call."""
        messages, self._messages = self._messages, {}
        return messages

    def on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """A message came."""
        topic = message.topic
        if topic in self._messages or len(self._messages) < TOPICS_LIMIT:
            self._messages[topic] = bytes(message.payload)

    def on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _: Properties | None
    ) -> None:
        """The broker answered."""
        refused = [word(reason) for reason in reasons if reason.is_failure]
        self.subscribed = refused[0] if refused else ""
