"""A real network link that swallows every packet: a program in a network namespace behind a veth pair.

hil_tests/black_hole.py imitates one in a process; here it is the kernel's TCP that waits, sends again and
gives up. Packets are lost by being sent to a hardware address that nobody has, so neither end hears of it.
Only root may make network namespaces: `possible` says whether this is one.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from typing import Self

from hil_tests.black_hole import Way

NOBODY = "02:00:00:00:00:99"  # a hardware address, locally administered
PREFIX_BITS = 30


class DarkLink:
    """A context manager. Programs started with `command` see this host as `host`, and nothing else."""

    def __init__(self) -> None:
        tag = secrets.token_bytes(2)
        network = f"10.203.{tag[0]}.{tag[1] & 0xFC}"
        stem = network.rpartition(".")[0]
        self.host, self._guest = (f"{stem}.{(tag[1] & 0xFC) + number}" for number in (1, 2))
        self._space, self._near, self._far = (f"fg{kind}{tag.hex()}" for kind in ("s", "n", "f"))
        self._addresses: dict[Way, str] = {}

    @property
    def command(self) -> list[str]:
        """What a command line begins with for its program to run at the far end."""
        return ["ip", "netns", "exec", self._space]

    def darken(self, ways: Iterable[Way] = tuple(Way)) -> None:
        """Lose every packet in these directions from now on; up is towards this host."""
        for way in ways:
            self._send_to(way, NOBODY)

    def light(self) -> None:
        """Lose none any more."""
        for way, address in self._addresses.items():
            self._send_to(way, address)

    def __enter__(self) -> Self:
        try:
            _ip("netns", "add", self._space)
            _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self._space)
            _ip("address", "add", f"{self.host}/{PREFIX_BITS}", "dev", self._near)
            _ip("link", "set", self._near, "up")
            self._inside("address", "add", f"{self._guest}/{PREFIX_BITS}", "dev", self._far)
            self._inside("link", "set", self._far, "up")
            self._inside("link", "set", "lo", "up")
            self._addresses = {
                Way.UP: _hardware_address(_ip("link", "show", self._near)),
                Way.DOWN: _hardware_address(self._inside("link", "show", self._far)),
            }
            self.light()
        except subprocess.CalledProcessError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for arguments in (("link", "delete", self._near), ("netns", "delete", self._space)):
            subprocess.run(["ip", *arguments], check=False, stderr=subprocess.DEVNULL)

    def _send_to(self, way: Way, address: str) -> None:
        """Fix the hardware address that packets of this direction are sent to."""
        if way is Way.UP:
            self._inside(
                "neigh", "replace", self.host, "lladdr", address, "dev", self._far, "nud", "permanent"
            )
        else:
            _ip("neigh", "replace", self._guest, "lladdr", address, "dev", self._near, "nud", "permanent")

    def _inside(self, *arguments: str) -> str:
        return _ip("-n", self._space, *arguments)


@cache
def possible() -> bool:
    """Whether this user and this kernel can do it."""
    if shutil.which("ip") is None:
        return False
    try:
        with DarkLink():
            return True
    except subprocess.CalledProcessError:
        return False


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def _hardware_address(shown: str) -> str:
    words = shown.split()
    return words[words.index("link/ether") + 1]
