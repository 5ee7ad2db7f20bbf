"""Nodes that sleep: what their descriptors say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.descriptors import Unreadable, parse_descriptor
from gateway.store import StoreError

if TYPE_CHECKING:
    from gateway.descriptors import Descriptors
    from gateway.nodes import Node
    from gateway.store import Store
    from gateway.timeline import Timeline
    from wire.up import Hello


def learn(node: Node, hello: Hello, descriptors: Descriptors, timeline: Timeline) -> None:
    """The descriptor that the HELLO names is known now: tell the node, and its clock."""
    try:
        node.sleep = descriptors.find(hello.desc).sleep
    except Unreadable:  # so are its records
        node.sleep = None
    if node.sleep is not None:
        timeline.sleeps(node.uid, hello.boot, node.sleep.ppm)


def ppm_of(store: Store, uid: bytes, boot: int) -> int:
    """How far off the ticks of a boot may be, by what its records refer to; 0 of one that never slept."""
    try:
        body = store.descriptor_of(uid, boot)
        sleep = None if body is None else parse_descriptor(b"", body).sleep
    except (Unreadable, StoreError):
        return 0  # its records cannot be read either
    return 0 if sleep is None else sleep.ppm
