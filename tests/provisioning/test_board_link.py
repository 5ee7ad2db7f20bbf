import contextlib

import pytest

from provisioning import board_link
from provisioning.board_link import BoardLink, LinkConfused, NotEntered, Rung, ScriptFailed
from provisioning.serial_port import NoAnswer, SerialPort
from tests.provisioning.scripted_board import Peer, ScriptedBoard


@contextlib.contextmanager
def link_to(peer):
    with peer, contextlib.closing(SerialPort.open(peer.path, lines_high=True)) as port:
        yield BoardLink(port)


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(board_link, "INTERRUPT_S", 0.3)
    monkeypatch.setattr(board_link, "SOFT_RESET_S", 0.3)
    monkeypatch.setattr(board_link, "ANSWER_S", 0.3)


def test_a_board_that_is_deaf_while_it_boots_is_asked_again():
    board = ScriptedBoard()
    board.deaf_for = board_link.INTERRUPTS - 1
    with link_to(board) as link:
        assert link.enter() is Rung.INTERRUPT


def test_after_the_last_rung_it_gives_up_and_says_what_it_heard():
    board = ScriptedBoard()
    board.deaf_for = 100
    with link_to(board) as link, pytest.raises(NotEntered) as caught:
        link.enter()
    assert caught.value.heard == b""
    assert 100 - board.deaf_for == board_link.INTERRUPTS  # a pty has no line to reset by


def test_a_board_on_which_the_soft_reset_fails_is_used_without_it():
    board = ScriptedBoard()
    board.soft_resets = False
    with link_to(board) as link:
        link.enter()
        assert link.run("print(1)") == ""
    assert board.scripts == ["print(1)"]


def test_an_exception_on_the_board_is_its_last_line():
    with link_to(ScriptedBoard(lambda _script: ValueError("too many"))) as link:
        link.enter()
        with pytest.raises(ScriptFailed, match=r"^ValueError: too many$"):
            link.run("print(1)")


def test_an_answer_that_is_no_literal_is_confusion():
    with link_to(ScriptedBoard(lambda _script: "Segmentation fault")) as link:
        link.enter()
        with pytest.raises(LinkConfused, match="Segmentation fault"):
            link.ask("print(1)")


def test_a_board_that_falls_silent_ends_the_wait():
    board = ScriptedBoard()
    with link_to(board) as link:
        link.enter()
        board.on_octets = lambda _octets: None
        with pytest.raises((NoAnswer, LinkConfused)):
            link.run("print(1)")


def test_what_nobody_takes_ends_the_wait(monkeypatch):
    peer = Peer()  # its thread is not started: the pty fills up
    port = SerialPort.open(peer.path, lines_high=False)
    try:
        with pytest.raises(NoAnswer), port.within(0.3):
            port.write(bytes(1_000_000))
    finally:
        port.close()
        peer.unplug()
