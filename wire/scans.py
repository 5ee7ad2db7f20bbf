"""A BLOCK's values back into scans: what wire/block.py did, undone. A node has no use for it."""

from wire.errors import WireError
from wire.up import Block


def scans_of(block: Block, channels: int) -> list[list[int | None]]:
    """The block's scans as lists of `channels` absolute values, None where one is missing."""
    values = block.values
    if channels < 1 or len(values) % channels:
        raise WireError("block_shape", str(len(values)) + " values do not fit " + str(channels) + " channels")
    last: list[int | None] = [None] * channels
    scans: list[list[int | None]] = []
    for start in range(0, len(values), channels):
        scan: list[int | None] = []
        for channel in range(channels):
            value = values[start + channel]
            if value is not None:
                before = last[channel]
                if before is not None:
                    value += before
                last[channel] = value
            scan.append(value)
        scans.append(scan)
    return scans
