"""[[sink.mqtt]] of the configuration."""
# ruff: noqa: RUF009 - setting() gives a dataclasses.field()

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from gateway.config_values import (
    boolean,
    broker_url,
    broker_urls,
    choice,
    consumer_names,
    integer,
    path_text,
    text,
    topic_name,
)
from gateway.toml_table import setting, table

if TYPE_CHECKING:
    from pathlib import Path

MQTT_PORT = 1883  # both registered at IANA
MQTTS_PORT = 8883
WORDS = text(r"[^\x00-\x1f\x7f]{1,128}", "a string of 1 to 128 characters without control characters")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is: mqtt:// or mqtts://, host, perhaps a port."""

    url: str

    @property
    def tls(self) -> bool:
        """Whether the broker is spoken to through TLS."""
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def host(self) -> str:
        """The broker's name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The broker's port."""
        return urlsplit(self.url).port or (MQTTS_PORT if self.tls else MQTT_PORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationConfig:
    """[sink.mqtt.confirmation]: who has to say that a record is on its own disk before it goes here."""

    consumers: tuple[str, ...] = setting(consumer_names)
    tail_hours: int = setting(integer(0, 8_784), 24)  # a year
    tail_mib: int = setting(integer(0, 1_048_576), 256)
    resend_after_s: int = setting(integer(1, 86_400), 600)
    silent_after_s: int = setting(integer(1, 604_800), 3_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSinkConfig:
    """[[sink.mqtt]]. Has either `url` or `urls`. `parse` fills an empty client_id."""

    name: str = setting(topic_name, "mqtt")
    url: str = setting(broker_url, "")
    urls: tuple[str, ...] = setting(broker_urls, ())
    user: str | None = setting(WORDS, None)
    password_file: Path | None = setting(path_text, None)
    ca_file: Path | None = setting(path_text, None)
    client_id: str = setting(WORDS, "")
    window: int = setting(integer(1, 100), 20)
    keepalive_s: int = setting(integer(5, 300), 15)
    ack_timeout_s: int = setting(integer(5, 300), 30)
    unsynchronised: Literal["wait", "send"] = setting(choice("wait", "send"), "wait")
    provisional_after_s: int = setting(integer(0, 86_400), 300)
    backfill_after_s: int = setting(integer(1, 86_400), 60)
    backfill_per_s: int = setting(integer(0, 100_000), 0)
    require_subscriber: bool = setting(boolean, default=True)
    confirmation: ConfirmationConfig | None = table(ConfirmationConfig)

    @property
    def brokers(self) -> tuple[BrokerAddress, ...]:
        """Where it may connect to, in the order of preference."""
        return tuple(BrokerAddress(url) for url in self.urls or (self.url,))
