"""A node, a line and a gateway without I/O: what the session tests drive."""

import random

from wire import cbor, down, up
from wire.framing import ESCAPES_DOWN, ESCAPES_UP, FRAME_LIMIT_DOWN, FRAME_LIMIT_UP, FrameReader, stuff
from wire.gateway_session import GatewaySession
from wire.intake import Intake
from wire.node_session import NodeSession

BOOT = 5 << 16
UID = b"\x24\x0a\xc4\x12\x34\x56"
COMMIT_MS = 20
STEP_MS = 5


class Queue:
    """Records of one stream in a list: what the node's queue does at its simplest."""

    def __init__(self, first_seq=0):
        self.first_seq = first_seq
        self.records = []

    def add(self):
        seq = self.first_seq + len(self.records)
        self.records.append(
            up.Block(BOOT, 1, seq, 0, seq * 1000, 10, [1, 2, 3], {}).encode(cbor.Encoder(1024))
        )

    def held(self):
        return [[BOOT, 1, self.first_seq, self.first_seq + len(self.records)]]

    def descs(self):
        return []

    def get(self, boot, stream, seq):
        return self.records[seq - self.first_seq], seq + 1

    def free(self, boot, stream, next_seq):
        count = max(0, min(next_seq - self.first_seq, len(self.records)))
        self.records = self.records[count:]
        self.first_seq += count
        return count


class Chain:
    """A node, a line and a gateway whose store commits COMMIT_MS after it took a record."""

    def __init__(self, seed=0, damage=0.0, window=600, queue=None, intake=None):
        self.random = random.Random(seed)
        self.damage = damage
        self.queue = queue or Queue()
        hello = up.Hello(UID, BOOT, 0, "test", b"12345678", "power_on", [], 240, b"nonce678")
        describe = up.Describe({"channels": []}).encode(cbor.Encoder(64))
        self.node = NodeSession(hello, lambda: describe, self.queue, self.random.randrange)
        self.gateway = GatewaySession("gw", window)
        self.intake = intake or Intake({})
        self.up_reader = FrameReader(FRAME_LIMIT_UP)
        self.down_reader = FrameReader(FRAME_LIMIT_DOWN)
        self.stored = []
        self.gaps = []
        self.sent_up = []
        self.sent_down = []
        self.waiting = []
        self.described = False
        self.now_ms = 0

    def step(self):
        self.now_ms += STEP_MS
        while (octets := self.node.poll(self.now_ms, self.now_ms * 1000)) is not None:
            self.sent_up.append(up.decode(octets))
            for frame in self.up_reader.feed(self.line(stuff(octets, ESCAPES_UP))):
                self.on_up(frame)
        while self.waiting and self.waiting[0][0] <= self.now_ms:
            _, record = self.waiting.pop(0)
            self.stored.append(record.seq)
            self.intake.commit(record.boot, record.stream, record.next_seq)
        while (message := self.gateway.poll(self.now_ms)) is not None:
            self.sent_down.append(message)
            for frame in self.down_reader.feed(
                self.line(stuff(message.encode(cbor.Encoder(1024)), ESCAPES_DOWN))
            ):
                self.node.receive(down.decode(frame), self.now_ms, self.now_ms * 1000)

    def on_up(self, frame):
        news = self.gateway.receive(up.decode(frame), self.now_ms)
        if isinstance(news, up.Hello):
            self.gaps += self.gateway.meet(self.intake, self.described, b"nonce678", self.now_ms)
        elif isinstance(news, up.Describe):
            self.described = True
            self.gateway.described()
        elif isinstance(news, (up.Block, up.Gap)):
            self.waiting.append((self.now_ms + COMMIT_MS, news))

    def line(self, octets):
        octets = bytearray(octets)
        if self.random.random() < self.damage:
            at = self.random.randrange(len(octets))
            kind = self.random.randrange(3)
            if kind == 0:
                octets[at] ^= 1 << self.random.randrange(8)
            elif kind == 1:
                del octets[at]
            else:
                octets.insert(at, octets[at])
        return bytes(octets)

    def run_until(self, done, limit_ms):
        while not done():
            assert self.now_ms < limit_ms, "does not converge"
            self.step()

    def types_down(self):
        return [type(message) for message in self.sent_down]
