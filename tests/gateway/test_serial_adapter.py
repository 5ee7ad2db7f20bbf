"""gateway/serial_adapter.py on a made sysfs."""

import os

import pytest

from gateway.serial_adapter import FTDI_DEFAULT_MS, SerialAdapter, adapter_of

BAUD = 115_200
OCTET_NS = 82_465  # 95 % of ten bits at that baud


@pytest.fixture
def sysfs(tmp_path):
    """Makes /sys/class/tty/NAME as the kernel does: `device` has the driver and, of FTDI, the timer."""

    def make(name, driver, timer=None):
        device = tmp_path / "devices" / name
        device.mkdir(parents=True)
        drivers = tmp_path / "bus" / "drivers" / driver
        drivers.mkdir(parents=True)
        (device / "driver").symlink_to(drivers)
        if timer is not None:
            (device / "latency_timer").write_text(timer)
        (tmp_path / "tty" / name).mkdir(parents=True)
        (tmp_path / "tty" / name / "device").symlink_to(device)
        return device

    return make


def found(tmp_path, name, baud=BAUD):
    return adapter_of(f"/dev/{name}", baud, tmp_path / "tty")


def test_a_timer_that_may_be_set_is_set_to_the_shortest(sysfs, tmp_path):
    device = sysfs("ttyUSB0", "ftdi_sio", "16\n")
    adapter = found(tmp_path, "ttyUSB0")
    assert adapter == SerialAdapter(latency_ms=1, octet_ns=OCTET_NS)
    assert adapter.sharp
    assert (device / "latency_timer").read_text() == "1\n"


def test_a_timer_that_the_sandbox_protects_is_named_as_it_is(sysfs, tmp_path, monkeypatch):
    device = sysfs("ttyUSB0", "ftdi_sio", "16\n")
    (device / "latency_timer").chmod(0o444)
    if os.geteuid() == 0:  # root writes everything; the unit's /sys is mounted read-only
        monkeypatch.setattr("pathlib.Path.write_text", _refused)
    adapter = found(tmp_path, "ttyUSB0")
    assert adapter.latency_ms == 16
    assert not adapter.sharp


def _refused(*_arguments):
    raise OSError(30, "Read-only file system")


def test_a_timer_that_somebody_set_already_is_left_alone(sysfs, tmp_path):
    device = sysfs("ttyUSB0", "ftdi_sio", "1\n")
    (device / "latency_timer").chmod(0o444)
    assert found(tmp_path, "ttyUSB0").sharp


@pytest.mark.parametrize("text", ["", "soon", None])
def test_a_timer_that_cannot_be_read_counts_as_the_chips_default(sysfs, tmp_path, monkeypatch, text):
    sysfs("ttyUSB0", "ftdi_sio", text)
    monkeypatch.setattr("pathlib.Path.write_text", _refused)
    assert found(tmp_path, "ttyUSB0").latency_ms == FTDI_DEFAULT_MS


@pytest.mark.parametrize(
    ("name", "driver", "octet_ns"),
    [
        ("ttyUSB0", "cp210x", OCTET_NS),
        ("ttyUSB0", "ch341-uart", OCTET_NS),
        ("ttyUSB0", "pl2303", OCTET_NS),
        ("ttyAMA0", "uart-pl011", OCTET_NS),
        ("ttyS0", "bcm2835-aux-uart", OCTET_NS),
        ("ttyACM0", "cdc_acm", 0),  # USB has no baud
        ("ttyUSB0", "option", 0),
    ],
)
def test_only_a_line_that_is_surely_a_uart_has_a_pace(sysfs, tmp_path, name, driver, octet_ns):
    sysfs(name, driver)
    assert found(tmp_path, name) == SerialAdapter(latency_ms=0, octet_ns=octet_ns)


def test_half_the_baud_takes_twice_as_long(sysfs, tmp_path):
    sysfs("ttyAMA0", "uart-pl011")
    assert abs(found(tmp_path, "ttyAMA0", BAUD // 2).octet_ns - 2 * OCTET_NS) <= 1


def test_of_a_port_without_a_device_nothing_is_sure(tmp_path):
    assert found(tmp_path, "ttyUSB9") == SerialAdapter(latency_ms=0, octet_ns=0)


def test_a_port_is_known_by_the_device_that_its_name_leads_to(sysfs, tmp_path):
    sysfs("ttyUSB3", "ftdi_sio", "16\n")
    (tmp_path / "ttyUSB3").touch()
    (tmp_path / "by-path").symlink_to(tmp_path / "ttyUSB3")
    assert adapter_of(str(tmp_path / "by-path"), BAUD, tmp_path / "tty").latency_ms == 1
