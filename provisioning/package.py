"""The application as one file, which a node takes over its link (docs/link-protocol.md, A transfer)."""

from __future__ import annotations

from provisioning.application import MANIFEST, Application
from provisioning.board_state import MPY_VERSION
from wire.remote import APPLICATION_MARK


def package(application: Application) -> bytes:
    """A line that says what it is; for each file a line and its octets; the manifest last."""
    parts = [APPLICATION_MARK + f"{MPY_VERSION} {application.version}\n".encode()]
    for name, octets in [*sorted(application.modules.items()), (MANIFEST, application.manifest)]:
        parts += [f"{name} {len(octets)}\n".encode(), octets]
    return b"".join(parts)
