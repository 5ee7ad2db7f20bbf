"""Where nodes speak over Wi-Fi: an access point, and the gateway's local broker behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from hil_tests.bench import SETTINGS
from hil_tests.board import AccessPoint
from hil_tests.broker import Broker, Subscriber

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hil_tests.bench import NodeBoard


class Site:
    """An access point, the broker behind it, and who listens there. A context manager."""

    def __init__(self, directory: Path, settings: str = "", *, heard: bool = True) -> None:
        self.broker = Broker(directory / "nodes-broker", settings=settings)
        self.access_point = AccessPoint(
            ssid="site", key="a secret", names={"broker.local": "127.0.0.1"}, address_s=5.0
        )
        self._ears = Subscriber(self.broker.url, "fieldgate/node/#", qos=0) if heard else None

    def __enter__(self) -> Self:
        self.broker.start()
        if self._ears is not None:
            self._ears.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._ears is not None:
            self._ears.stop()
        self.broker.kill()

    def gateway(self, more: str = "") -> str:
        """Of the gateway's configuration."""
        return f'\n[[wifi]]\nurl = "{self.broker.url}"\n{more}'

    def link(self, via: object = "wifi", **login: str) -> Mapping[str, Any]:
        """The node's settings."""
        broker = {"host": "broker.local", "port": self.broker.port, **login}
        return {
            **SETTINGS,
            "link": {"via": via, "wifi": {"ssid": "site", "key": "a secret"}, "broker": broker},
        }

    def listen(self, node: NodeBoard) -> None:
        """Give the node's oracle what passed the broker."""
        assert self._ears is not None
        for each in self._ears.messages:
            node.cable.take_message(each.topic.rpartition("/")[2], each.payload)
