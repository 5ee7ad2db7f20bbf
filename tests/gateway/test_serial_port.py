"""gateway/serial_port.py over real ptys."""

import asyncio
import fcntl
import os
import random
import termios
import time
from pathlib import Path

import pytest
import serial

from gateway.serial_adapter import SerialAdapter
from gateway.serial_port import (
    READ_LIMIT,
    OpenFault,
    PortLost,
    PortUnopened,
    SerialPort,
)
from tests.gateway.serial_pair import SerialPair

BAUD = 115200
OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def open_files():
    """The test leaves as many files open as it found."""
    before = set(OPEN_FILES.iterdir())
    yield
    assert set(OPEN_FILES.iterdir()) <= before


@pytest.fixture
def pair(tmp_path):
    pair = SerialPair(tmp_path)
    yield pair
    pair.unplug()


@pytest.fixture
async def port(pair):
    port = SerialPort.open(pair.path, BAUD)
    yield port
    port.close()


async def test_what_the_node_sends_is_read_with_its_arrival(pair, port):
    before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    pair.send(b"\x7e\x00\x03\x11\r\n\xff\x7e")
    data, arrived_ns = await port.read()
    assert data == b"\x7e\x00\x03\x11\r\n\xff\x7e"
    assert before_ns < arrived_ns <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


async def test_what_is_written_reaches_the_node_unchanged(pair, port):
    every_octet = bytes(range(256))
    await port.write(every_octet)
    assert await pair.receive(256) == every_octet


async def test_garbage_of_any_kind_arrives_as_it_was_sent(pair, port):
    garbage = random.Random(5).randbytes(100_000)
    received = bytearray()
    for start in range(0, len(garbage), 2000):
        pair.send(garbage[start : start + 2000])
        while len(received) < start + 2000:
            data, _arrived_ns = await port.read()
            assert len(data) <= READ_LIMIT
            received += data
    assert bytes(received) == garbage


async def test_read_waits_without_holding_up_the_loop(pair, port):
    reading = asyncio.create_task(port.read())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not reading.done()
    pair.send(b"x")
    assert (await reading)[0] == b"x"


async def test_a_read_that_was_cancelled_loses_nothing(pair, port):
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    pair.send(b"later")
    assert (await port.read())[0] == b"later"


async def test_a_node_that_floods_does_not_starve_other_tasks(pair, port):
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for _ in range(200):
        pair.send(b"u" * 1000)
        await port.read()
    task.cancel()
    assert turns >= 200


async def test_unplugging_ends_a_waiting_read_with_port_lost(pair, port):
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0)
    pair.unplug()
    with pytest.raises(PortLost) as lost:
        await reading
    assert lost.value.reason in ("EIO", "hangup")
    assert lost.value.path == port.path


async def test_unplugging_ends_the_next_write_with_port_lost(pair, port):
    pair.unplug()
    with pytest.raises(PortLost):
        await port.write(b"x")


async def test_more_than_the_kernel_takes_at_once_is_written_as_the_node_reads(pair, port):
    data = random.Random(6).randbytes(200_000)
    writing = asyncio.create_task(port.write(data))
    assert await pair.receive(len(data)) == data
    await writing


async def test_a_write_without_progress_ends_with_port_lost(pair):
    port = SerialPort.open(pair.path, BAUD, write_stall_s=0.05)
    with pytest.raises(PortLost) as lost:
        await port.write(bytes(1_000_000))
    port.close()
    assert lost.value.reason == "write_stalled"


async def test_reading_goes_on_while_a_write_is_stuck(pair, port):
    writing = asyncio.create_task(port.write(bytes(1_000_000)))
    pair.send(b"still here")
    assert (await port.read())[0] == b"still here"
    assert not writing.done()
    port.close()
    with pytest.raises(PortLost):
        await writing


async def test_a_second_opener_finds_the_port_busy(pair, port):
    with pytest.raises(PortUnopened) as unopened:
        SerialPort.open(pair.path, BAUD)
    assert unopened.value.fault is OpenFault.BUSY


async def test_another_program_that_locks_is_kept_out_and_keeps_us_out(pair, port):
    with pytest.raises(serial.SerialException):
        serial.Serial(pair.device, BAUD, exclusive=True)
    port.close()
    with serial.Serial(pair.device, BAUD, exclusive=True), pytest.raises(PortUnopened) as unopened:
        SerialPort.open(pair.path, BAUD)
    assert unopened.value.fault is OpenFault.BUSY


async def test_a_closed_port_can_be_opened_by_the_next(pair, port):
    port.close()
    again = SerialPort.open(pair.path, BAUD)
    pair.send(b"hello")
    assert (await again.read())[0] == b"hello"
    again.close()


async def test_close_ends_a_waiting_read_and_may_be_repeated(pair, port):
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0)
    port.close()
    port.close()
    with pytest.raises(PortLost):
        await reading
    with pytest.raises(PortLost):
        await port.read()
    with pytest.raises(PortLost):
        await port.write(b"x")


def test_a_port_that_is_not_there_is_absent(tmp_path):
    with pytest.raises(PortUnopened) as unopened:
        SerialPort.open(str(tmp_path / "ttyUSB7"), BAUD)
    assert unopened.value.fault is OpenFault.ABSENT


def test_a_file_that_is_no_port_fails_to_open_and_leaks_nothing(tmp_path, open_files):
    (tmp_path / "ttyUSB7").write_bytes(b"")
    with pytest.raises(PortUnopened) as unopened:
        SerialPort.open(str(tmp_path / "ttyUSB7"), BAUD)
    assert unopened.value.fault is OpenFault.FAILED


async def test_settings_are_raw_without_flow_control_and_no_hangup_on_close(pair, port):
    descriptor = os.open(pair.device, os.O_RDWR | os.O_NOCTTY)
    iflag, oflag, cflag, lflag = termios.tcgetattr(descriptor)[:4]
    os.close(descriptor)
    assert not iflag & (termios.IXON | termios.IXOFF | termios.ICRNL | termios.ISTRIP)
    assert not oflag & termios.OPOST
    assert not lflag & (termios.ICANON | termios.ECHO | termios.ISIG)
    assert not cflag & (termios.HUPCL | termios.CRTSCTS | termios.PARENB | termios.CSTOPB)
    assert cflag & termios.CSIZE == termios.CS8


@pytest.mark.parametrize("baud", [115200, 921600, 250000])
async def test_standard_and_odd_baud_rates_are_set(pair, baud):
    tcgets2 = 0x802C542A  # asm-generic/ioctls.h
    port = SerialPort.open(pair.path, baud)
    descriptor = os.open(pair.device, os.O_RDWR | os.O_NOCTTY)
    settings = fcntl.ioctl(descriptor, tcgets2, bytes(44))
    os.close(descriptor)
    port.close()
    assert int.from_bytes(settings[-4:], "little") == baud


async def test_opening_reading_and_closing_leaks_no_file(tmp_path, open_files):
    for _ in range(20):
        pair = SerialPair(tmp_path)
        port = SerialPort.open(pair.path, BAUD)
        pair.send(b"x")
        await port.read()
        pair.unplug()
        with pytest.raises(PortLost):
            await port.read()
        port.close()


async def test_of_a_pty_nothing_is_sure(port):
    assert port.adapter == SerialAdapter(latency_ms=0, octet_ns=0)
