"""Nodes that sleep: what their descriptors say of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway.descriptors import Unreadable, parse_descriptor
from gateway.nodes import Former
from gateway.store import StoreError

if TYPE_CHECKING:
    from gateway.descriptors import Descriptor, Descriptors
    from gateway.nodes import Node, Nodes
    from gateway.store import Store
    from gateway.timeline import Timeline
    from wire.up import Hello

log = logging.getLogger(__name__)


def learn(node: Node, hello: Hello, descriptors: Descriptors, timeline: Timeline) -> None:
    """The descriptor that the HELLO names is known now: tell the node, and its clock."""
    try:
        node.sleep = descriptors.find(hello.desc).sleep
    except Unreadable:  # so are its records
        node.sleep = None
    if node.sleep is not None:
        timeline.sleeps(node.uid, hello.boot, node.sleep.ppm)


def expect(nodes: Nodes, store: Store, host_boot: int, now_ns: int) -> None:
    """Know the nodes that slept when an earlier run ended: hours may pass before one is heard.

    So whoever died meanwhile is called lost, and a wish to stay awake can wait. Only those that were heard in
    this boot of the host or the one before: others may be gone for good.
    """
    try:
        found = [
            (known, _descriptor_of(store, known.uid, known.latest_boot))
            for known in store.nodes()
            if known.last_arrival[0] >= host_boot - 1
        ]
    except StoreError as error:  # each tells when it is heard
        log.warning("nodes that sleep are not known until they are heard: %s", error)
        return
    for known, descriptor in found:
        if descriptor is not None and descriptor.sleep is not None:
            node = nodes.meet(known.uid)
            node.sleep = descriptor.sleep
            node.former = Former(known.latest_boot, descriptor.name, now_ns)


def ppm_of(store: Store, uid: bytes, boot: int) -> int:
    """How far off the ticks of a boot may be, by what its records refer to; 0 of one that never slept."""
    try:
        descriptor = _descriptor_of(store, uid, boot)
    except StoreError:
        return 0  # its records cannot be read either
    return 0 if descriptor is None or descriptor.sleep is None else descriptor.sleep.ppm


def _descriptor_of(store: Store, uid: bytes, boot: int) -> Descriptor | None:
    try:
        body = store.descriptor_of(uid, boot)
        return None if body is None else parse_descriptor(b"", body)
    except Unreadable:  # so are its records
        return None
