"""WLAN and sockets of the emulated board."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from hil_tests.board import AccessPoint, Board
from tests.hil_board.conftest import NewBoard
from tests.hil_board.terminal import Terminal, raw_repl

JOIN = (
    "import network, socket, time, select, errno\nw = network.WLAN(network.STA_IF)\nw.active(True)\n"
    "w.connect('site', 'secret')\n"
    "def until(status):\n    while w.status() != status: time.sleep_ms(10)\n"
)
JOINED = JOIN + "until(network.STAT_GOT_IP)\n"


def site(**changes: float) -> AccessPoint:
    times = {"join_s": 0.05, "beacons_s": 0.1, "address_s": 30.0, **changes}
    return AccessPoint(ssid="site", key="secret", names={"broker.local": "127.0.0.1"}, **times)


def run(board: Board, source: str) -> str:
    with raw_repl(board) as repl:
        return repl.execute(source)


class Peer:
    """A server on the host's loopback with one client."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(8)
        self.port = self.server.getsockname()[1]

    def accept(self) -> socket.socket:
        taken, _ = self.server.accept()
        taken.settimeout(8)
        return taken


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    with closing(made.server):
        yield made


def test_a_station_joins_its_access_point_and_has_an_address(new_board: NewBoard) -> None:
    said = run(
        new_board(access_point=site(), uid=bytes((0x24, 0x0A, 0xC4, 0, 0, 7))),
        "import network\nw = network.WLAN()\n"
        "print(w.active(), w.isconnected(), w.status(), w.ifconfig()[0])\n"
        "try: w.connect('site', 'secret')\nexcept OSError as error: print(error)\n"
        + JOIN
        + "print(w.status(), w.scan()[0][0])\n"
        "try: w.connect('site')\nexcept OSError as error: print(error)\n"
        "until(network.STAT_GOT_IP)\n"
        "print(w.isconnected(), w.ifconfig(), w.config('mac'), w.status('rssi'))\n"
        "w.disconnect()\nprint(w.isconnected(), w.status() == network.STAT_IDLE)",
    )
    assert said == (
        "False False 1000 0.0.0.0\nWifi Not Started\n1001 b'site'\nWifi Internal State Error\n"
        "True ('192.168.4.7', '255.255.255.0', '192.168.4.1', '192.168.4.1') "
        "b'$\\n\\xc4\\x00\\x00\\x07' -60\n"
        "False True\n"
    )


@pytest.mark.parametrize(("ssid", "key", "status"), [("site", "wrong", 202), ("elsewhere", "secret", 201)])
def test_a_join_that_fails_says_why_once_it_gives_up(
    ssid: str, key: str, status: int, new_board: NewBoard
) -> None:
    said = run(
        new_board(access_point=site()),
        f"import network, time\nw = network.WLAN()\nw.active(1)\nw.config(reconnects=2)\n"
        f"w.connect({ssid!r}, {key!r})\n"
        "while w.status() == network.STAT_CONNECTING: time.sleep_ms(10)\nprint(w.status(), w.isconnected())",
    )
    assert said == f"{status} False\n"


def test_octets_go_both_ways_by_name(new_board: NewBoard, peer: Peer) -> None:
    board = new_board(
        JOINED + f"a = socket.getaddrinfo('broker.local', {peer.port})[0][-1]\nprint(a)\n"
        "s = socket.socket()\ns.connect(a)\ns.write(b'abcdef', 4)\nprint(s.read(5), s.readline())\n"
        "s.settimeout(0.1)\ntry: s.recv(1)\nexcept OSError as error: print(error.errno)\n"
        "s.setblocking(False)\nprint(s.read(1))\n"
        "try: s.recv(1)\nexcept OSError as error: print(error.errno)\n"
        "s.setblocking(True)\ns.write(b'bye')\nprint(s.recv(10), s.recv(10))\ns.close()\nprint('end')\n",
        access_point=site(),
    )
    with closing(peer.accept()) as far, Terminal(board.port) as terminal:
        assert far.recv(10) == b"abcd"
        far.sendall(b"12345line\n")
        assert far.recv(10) == b"bye"
        far.close()
        said = terminal.read_until(b"end\r\n").decode()
    assert f"('127.0.0.1', {peer.port})" in said
    assert "b'12345' b'line\\n'\r\n116\r\nNone\r\n11\r\nb'' b''\r\nend" in said


def test_a_connection_that_is_refused_or_has_no_way_has_the_esp32s_numbers(
    new_board: NewBoard, peer: Peer
) -> None:
    board = new_board(access_point=site())
    attempt = (
        "def attempt(address, timeout=None):\n    s = socket.socket()\n    s.settimeout(timeout)\n"
        "    try: s.connect(address)\n    except OSError as error: return error.errno\n    return 'ok'\n"
        "def name(host):\n    try: return socket.getaddrinfo(host, 1)\n"
        "    except OSError as error: return error.errno\n"
    )
    said = run(
        board,
        "import network, socket, errno\n" + attempt + f"print(attempt(('127.0.0.1', {peer.port})))\n"
        "from errno import ETIMEDOUT, EINPROGRESS\n"
        "print(name('broker.local'), ETIMEDOUT, EINPROGRESS, errno.errorcode[118])\n"
        + JOINED
        + "print(attempt(('127.0.0.1', 9)), name('nowhere.local'))\n"
        f"print(attempt(('127.0.0.1', {peer.port}), 0), attempt(('broker.local', {peer.port}), 2))\n",
    )
    assert said == "118\n-202 116 119 EHOSTUNREACH\n111 -202\n119 ok\n"


def test_asyncio_streams_work_over_the_radio(new_board: NewBoard, peer: Peer) -> None:
    board = new_board(
        JOINED + "import asyncio\nasync def main():\n"
        f"    r, w = await asyncio.open_connection('broker.local', {peer.port})\n"
        "    w.write(b'hello')\n    await w.drain()\n    print('heard', await r.readexactly(4))\n"
        f"asyncio.run(main())\n",
        access_point=site(),
    )
    with closing(peer.accept()) as far, Terminal(board.port) as terminal:
        assert far.recv(10) == b"hello"
        far.sendall(b"well")
        terminal.read_until(b"heard b'well'\r\n")


def test_a_short_loss_delays_what_is_said_and_a_long_one_kills_the_socket(
    new_board: NewBoard, peer: Peer
) -> None:
    board = new_board(
        JOINED + f"s = socket.socket()\ns.connect(('broker.local', {peer.port}))\nprint('up')\n"
        "until(network.STAT_CONNECTING)\nprint('sent', s.send(b'kept'))\ns.settimeout(0.05)\n"
        "try: s.recv(5)\nexcept OSError as error: print('nothing', error.errno)\n"
        "p = select.poll()\np.register(s, select.POLLIN)\nprint('poll', p.poll(50))\n"
        "until(network.STAT_GOT_IP)\nprint('poll', len(p.poll(5000)), s.recv(5))\n"
        "until(network.STAT_CONNECTING)\n"
        "print('poll', p.poll(8000)[0][1] & (select.POLLERR | select.POLLHUP) != 0)\n"
        "for call in (lambda: s.recv(1), lambda: s.send(b'x'),\n"
        "    lambda: socket.socket().connect(('127.0.0.1', 1))):\n"
        "    try: call()\n    except OSError as error: print('dead', error.errno)\n"
        "until(network.STAT_GOT_IP)\ns.close()\ns = socket.socket()\n"
        f"s.connect(('broker.local', {peer.port}))\ns.send(b'anew')\nprint('end')\n",
        access_point=site(address_s=1.5),
    )
    with closing(peer.accept()) as far, Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        board.set_access_point(up=False)
        terminal.read_until(b"nothing 116\r\n")
        far.sendall(b"later")
        terminal.read_until(b"poll []\r\n")
        board.set_access_point(up=True)
        terminal.read_until(b"poll 1 b'later'\r\n")
        assert far.recv(10) == b"kept"
        board.set_access_point(up=False)
        terminal.read_until(b"poll True\r\ndead 113\r\ndead 113\r\ndead 118\r\n")
        board.set_access_point(up=True)
        with closing(peer.accept()) as again:
            assert again.recv(10) == b"anew"
        terminal.read_until(b"end\r\n")
        far.settimeout(0.1)
        with pytest.raises(TimeoutError):  # the far end of a dead socket hears nothing of it
            far.recv(1)


def test_the_send_buffer_of_a_silent_socket_is_as_large_as_lwips(new_board: NewBoard, peer: Peer) -> None:
    board = new_board(
        JOINED + f"s = socket.socket()\ns.connect(('broker.local', {peer.port}))\nprint('up')\n"
        "until(network.STAT_CONNECTING)\ns.settimeout(0.1)\nprint('sent', s.send(b'x' * 9000))\n"
        "try: s.send(b'y')\nexcept OSError as error: print('full', error.errno)\n"
        "until(network.STAT_GOT_IP)\ns.settimeout(None)\ns.write(b'z')\nprint('end')",
        access_point=site(),
    )
    with closing(peer.accept()) as far, Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        board.set_access_point(up=False)
        terminal.read_until(b"sent 5744\r\nfull 116\r\n")
        board.set_access_point(up=True)
        terminal.read_until(b"end\r\n")
        heard = b""
        while not heard.endswith(b"z"):
            heard += far.recv(9000)
        assert heard == b"x" * 5744 + b"z"


def test_ctrl_c_ends_a_wait_for_a_socket(new_board: NewBoard, peer: Peer) -> None:
    board = new_board(
        JOINED + f"s = socket.socket()\ns.connect(('broker.local', {peer.port}))\nprint('up')\ns.recv(1)",
        access_point=site(),
    )
    with closing(peer.accept()), Terminal(board.port) as terminal:
        terminal.read_until(b"up\r\n")
        terminal.write(b"\x03")
        terminal.read_until(b"KeyboardInterrupt: \r\n")
    assert board.counters.killed_by_interrupt == 0


def test_a_soft_reset_leaves_the_radio_on_and_a_hard_one_does_not(new_board: NewBoard) -> None:
    board = new_board(access_point=site())
    run(board, JOINED)
    look = "import network\nprint(network.WLAN().isconnected())"
    with raw_repl(board) as repl:
        repl.write(b"\x04")
        repl.read_until(b"soft reboot\r\n")
        repl.read_until(b"raw REPL; CTRL-B to exit\r\n>")
        assert repl.execute(look) == "True\n"
    threads = threading.active_count()
    board.reset()
    assert run(board, look) == "False\n"
    assert threading.active_count() == threads
