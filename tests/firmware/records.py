"""Records for the queue's tests: one BLOCK per seq, a millisecond apart."""

from firmware.pages import LENGTH_OCTETS
from firmware.queue import READINGS
from wire import cbor, up

BOOT = 7 << 16 | 0xBEEF
SPAN = 900


def block(stream, seq, values=(1, 2, 3), boot=BOOT):
    return up.Block(boot, stream, seq, 0, seq * 1000, SPAN, list(values), {}).encode(cbor.Encoder(1024))


SIZE = len(block(READINGS, 1)) + LENGTH_OCTETS
