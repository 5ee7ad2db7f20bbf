"""firmware/two_ports.py and firmware/bounded_socket.py on the real MicroPython."""

from tests.firmware.node import run_script

PORTS = """
import asyncio
from firmware.two_ports import TwoPorts
from wire.framing import ESCAPES_UP, FrameReader, stuff
HELLO, BLOCK, WHO, WELCOME = b"\\x82\\x00", b"\\x88\\x03", b"\\x81\\x0c", b"\\x82\\x01"

class Port:
    ready = True
    def __init__(self):
        self.sent = []
        self.coming = []
    async def read(self):
        while not self.coming:
            await asyncio.sleep_ms(1)
        return self.coming.pop(0)
    def write(self, message):
        self.sent.append(message)

cable, wifi = Port(), Port()
both = TwoPorts(cable, wifi)

async def hear(port, message):
    port.coming.append(stuff(message, ESCAPES_UP))
    return FrameReader(240).feed(await both.read())

def way(message):
    both.write(stuff(message, ESCAPES_UP))
    return "cable" if cable.sent and cable.sent.pop() else "wifi" if wifi.sent.pop() else ""
"""


def on_two_ports(steps: str) -> str:
    indented = "".join(f"    {line}\n" for line in steps.splitlines())
    return run_script(f"{PORTS}async def steps():\n{indented}asyncio.run(steps())")


def test_a_hello_without_an_answer_is_said_on_the_other_port():
    said = on_two_ports(
        "print(way(HELLO), way(HELLO), await hear(wifi, WELCOME) == [WELCOME])\n"
        "print(way(BLOCK), way(HELLO), way(HELLO))"
    )
    assert said == "cable wifi True\nwifi wifi cable\n"


def test_who_on_the_cable_brings_the_node_back_to_it_and_who_on_wifi_does_not_take_it_away():
    said = on_two_ports(
        "way(HELLO); way(HELLO); await hear(wifi, WELCOME)\n"
        "print(await hear(cable, WELCOME), way(BLOCK), await hear(cable, WHO) == [WHO], way(HELLO))\n"
        "await hear(cable, WELCOME)\n"
        "print(await hear(wifi, WHO), way(BLOCK))"
    )
    assert said == "[] wifi True cable\n[] cable\n"


def test_wifi_without_a_broker_is_not_tried():
    said = on_two_ports("wifi.ready = False\nprint(way(HELLO), way(HELLO), way(HELLO))")
    assert said == "cable cable cable\n"


def test_a_mistake_in_a_port_comes_out_where_it_is_read():
    said = on_two_ports(
        "async def broken(): raise ValueError('broken')\n"
        "cable.read = broken\n"
        "try: await both.read()\n"
        "except ValueError as error: print(error)"
    )
    assert said == "broken\n"


def test_the_rest_of_a_packet_that_does_not_come_ends_in_an_error_within_a_second():
    said = run_script(
        "import time\n"
        "from firmware.bounded_socket import BoundedSocket\n"
        "class Silent:\n"
        "    def setblocking(self, on): pass\n"
        "    def settimeout(self, seconds): self.seconds = seconds\n"
        "    def read(self, count):\n"
        "        time.sleep(self.seconds)\n"
        "        raise OSError(116)\n"
        "    def ioctl(self, *_): return 0\n"
        "sock = BoundedSocket(Silent())\n"
        "sock.begin()\n"
        "sock.setblocking(True)\n"
        "began = time.ticks_ms()\n"
        "try: sock.read(2)\n"
        "except OSError as error: print(error.errno, time.ticks_diff(time.ticks_ms(), began) < 2000)\n"
        "try: sock.read(2)\n"
        "except OSError as error: print(error.errno == 110, time.ticks_diff(time.ticks_ms(), began) < 2000)\n"
        "try: sock.read(5000)\n"
        "except OSError as error: print(error.errno)"
    )
    assert said == "116 True\nTrue True\n22\n"
