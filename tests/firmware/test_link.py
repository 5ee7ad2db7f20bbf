"""firmware/link.py on the real MicroPython: what the gateway says that the node has no memory for."""

from tests.firmware.node import run_script
from wire import cbor, remote
from wire.framing import ESCAPES_DOWN, stuff

ORDER = stuff(remote.Command(7, "trial", {"what": "settings"}).encode(cbor.Encoder(1024)), ESCAPES_DOWN)
LINK = f"""
from firmware.clock import Ticks
from firmware.heart import Heart
from firmware.link import Link
from wire.framing import FRAME_LIMIT_DOWN, FrameReader
from wire.node_session import UP
import time

class Session:
    state = UP
    heard_ms = 0
    answer = None
    def receive(self, message, now_ms, ticks):
        self.heard_ms = now_ms

class Port:
    pass

def obey(order):
    if OBEYS:
        return b"done"
    raise MemoryError

session = Session()
ticks = Ticks(time.ticks_us, time.ticks_add(0, -1))
link = Link(Port(), session, ticks, obey, None)
reader = FrameReader(FRAME_LIMIT_DOWN)
for frame in reader.feed({ORDER!r}):
    link._take(frame, 5000000)
print(link.refused, session.answer, session.heard_ms)
"""


def test_an_order_is_answered():
    assert run_script("OBEYS = True" + LINK) == "0 b'done' 5000\n"


def test_without_memory_for_an_order_a_node_stays_awake_until_it_is_repeated():
    assert run_script("OBEYS = False" + LINK) == "1 None 7000\n"
