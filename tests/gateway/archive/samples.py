"""Records and what belongs to them, as an archive holds them."""

import random
from dataclasses import replace

from gateway.archive.entries import DescriptorBody, Header
from gateway.host_boot import HostBootRecord
from gateway.node_clock import Exchange
from gateway.store.losses import NamedLoss
from gateway.store.records import Stored
from gateway.timeline import KeptExchange
from wire import cbor, up

UID = bytes.fromhex("24becf804ff1")
OTHER = bytes.fromhex("24becf804ff2")
BOOT = 37 << 16 | 0x1267
PERIOD_US = 1_000_000
DESCRIPTOR = cbor.encode(
    {
        "channels": [{"name": "air_temperature", "unit": "Cel", "exp": -2}],
        "groups": [{"name": "air", "channels": [0], "period_ms": 1000}],
        "node": {"name": "bridge"},
    }
)
OFFSET_NS = 1_789_000_000_000_000_000  # UTC minus CLOCK_BOOTTIME
HASH = up.descriptor_hash(DESCRIPTOR)
HEADER = Header(gateway="north", machine="machine-1", made_ns=1_790_000_000_000_000_000)


def block(seq, *, boot=BOOT, stream=1, scans=3):
    """A BLOCK whose readings follow from its identity."""
    draw = random.Random(f"{boot} {stream} {seq}")
    values = [draw.randint(-2000, 4000)] + [draw.randint(-5, 5) for _ in range(scans - 1)]
    t_first = seq * scans * PERIOD_US
    message = up.Block(boot, stream, seq, 0, t_first, (scans - 1) * PERIOD_US, values, {})
    return message.encode(cbor.Encoder(1024))


def gap(seq, next_seq, *, boot=BOOT, stream=1, reason="queue_full", t_first=None, span=None):
    t_first = 3 * seq * PERIOD_US if t_first is None else t_first
    span = 3 * (next_seq - seq) * PERIOD_US if span is None else span
    message = up.Gap(boot, stream, seq, next_seq, reason, t_first, span)
    return message.encode(cbor.Encoder(1024))


def record(seq, *, next_seq=None, id_=None, uid=UID, boot=BOOT, stream=1, host_boot=1):
    """A stored BLOCK; with `next_seq` a stored GAP."""
    message = block(seq, boot=boot, stream=stream)
    if next_seq is not None:
        message = gap(seq, next_seq, boot=boot, stream=stream)
    return Stored(
        uid=uid,
        boot=boot,
        stream=stream,
        seq=seq,
        next_seq=seq + 1 if next_seq is None else next_seq,
        kind=up.Block.TYPE if next_seq is None else up.Gap.TYPE,
        message=message,
        descriptor=HASH,
        host_boot=host_boot,
        arrived_ns=1_000_000_000 * (seq + 1),
        id=seq + 1 if id_ is None else id_,
    )


def host_boot(number=1, *, machine="machine-1", offset_ns=OFFSET_NS):
    return HostBootRecord(
        number=number,
        boot_id=f"boot-{machine}-{number}",
        machine=machine,
        seen_ns=9_000_000_000_000,
        realtime_ns=1_789_009_000_000_000_000,
        offset_ns=offset_ns,
        uncertainty_ns=0 if offset_ns is None else 2_000_000,
        first_sync_ns=0 if offset_ns is None else 5_000_000_000,
        last_sync_ns=0 if offset_ns is None else 8_000_000_000_000,
    )


def own(boot, machine="machine-1"):
    """As the store of this machine has it."""
    return replace(boot, machine="") if boot.machine == machine else boot


def exchange(at_s=1, *, uid=UID, boot=BOOT, number=1):
    ns = at_s * 1_000_000_000
    stamps = Exchange(t1_ns=ns, t2_us=at_s * 1_000_000, t3_us=at_s * 1_000_000 + 300, t4_ns=ns + 1_300_000)
    return KeptExchange(uid=uid, boot=boot, host_boot=number, exchange=stamps)


def some(seqs=range(20), **identity):
    """The entries of a whole archive, but for its end."""
    return [
        HEADER,
        host_boot(),
        host_boot(2, offset_ns=None),
        DescriptorBody(body=DESCRIPTOR),
        exchange(1),
        exchange(70),
        NamedLoss(uid=UID, boot=BOOT, stream=1, seq=5, next_seq=7, reason="damaged_at_gateway"),
        *(record(seq, **identity) for seq in seqs),
    ]
