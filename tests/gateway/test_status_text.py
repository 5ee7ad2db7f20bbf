import re
from dataclasses import replace

import click
import pytest

from gateway.status import (
    ClockStatus,
    ConsumerStatus,
    DiskStatus,
    FaultStatus,
    NodeStatus,
    PortStatus,
    SinkStatus,
    Status,
    StoreStatus,
)
from gateway.status_text import duration, report, summary, uncertainty
from gateway.text_table import CELL_LIMIT

NODE = NodeStatus(
    uid="a1b2c3d4e5f6",
    name="weather-1",
    port="/dev/ttyUSB0",
    boot=(3 << 16) | 0xBEEF,
    link="open",
    seen_ago_s=0.4,
    clock="resolved",
    uncertainty_us=1_240,
    blocks=99,
    health={
        "heap_free": 31_584,
        "heap_piece": 4096,
        "queue_ram": 66,
        "queue_flash": 12_288,
        "flash_erases": 9,
        "records_lost": 0,
        "reset_cause": 1,
    },
)
STATUS = Status(
    version="0.1.0",
    gateway="north",
    uptime_s=90_000.0,
    clock=ClockStatus(state="synchronised", uncertainty_us=900),
    store=StoreStatus(state="open", stored=12, waiting={"mqtt": 3}, dropped={"readings": 40}),
    disk=DiskStatus(
        mount="ext4 (rw) on /",
        used_octets=3 << 20,
        left_octets=1 << 30,
        limited_by="max_mib",
        lasts_s=700_000.0,
        written_today_octets=512,
        written_yesterday_octets=1536,
    ),
    ports=(
        PortStatus(path="/dev/ttyUSB0", state="open", age_s=4.0),
        PortStatus(path="/dev/ttyACM*", state="missing", age_s=7_500.0),
    ),
    nodes=(NODE,),
    sinks=(
        SinkStatus(
            name="mqtt",
            state="connected",
            age_s=3.0,
            broker="mqtt://broker",
            protocol="mqtt 5",
            delivered=9,
            in_flight=1,
            backlog=3,
            backlog_per_s=12.4,
            backlog_eta_s=200.0,
        ),
    ),
    counters={"hellos": 3, "frame_fcs": 0},
)


def text(status):
    return click.unstyle("\n".join(report(status)))


def test_a_node_that_was_not_heard_since_the_start_says_so():
    unheard = replace(NODE, link="asleep", seen_ago_s=None)
    lines = "\n".join(report(replace(STATUS, nodes=(unheard,))))
    assert "asleep  before the start" in lines


def test_the_report_is_aligned_and_complete():
    assert text(STATUS) == (
        "fieldgate 0.1.0, gateway north, up 1 d 1 h, clock synchronised ±900 us\n"
        "\n"
        "PORTS\n"
        "  path          state    for        detail\n"
        "  /dev/ttyUSB0  open     4 s\n"
        "  /dev/ttyACM*  missing  2 h 5 min\n"
        "\n"
        "NODES\n"
        "  uid           name       port          boot  link  last seen  clock             blocks\n"
        "  a1b2c3d4e5f6  weather-1  /dev/ttyUSB0  3     open  0 s ago    resolved ±1.2 ms  99\n"
        "\n"
        "HEALTH\n"
        "  node       heap free  in one piece  queue  in flash  written  erases  lost  refused  missed"
        "  given up\n"
        "  weather-1  30.8 KiB   4.0 KiB       66 B   12.0 KiB  -        9       0     -        -       -\n"
        "\n"
        "STORE\n"
        "  state  stored  damaged  dropped      waiting     detail\n"
        "  open   12      0        40 readings  3 for mqtt\n"
        "\n"
        "DISK\n"
        "  used     left     lasts for  written today  yesterday  a day now  mount\n"
        "  3.0 MiB  1.0 GiB  8 d 2 h    512 B          1.5 KiB    -          ext4 (rw) on /\n"
        "\n"
        "SINKS\n"
        "  name  state      for  broker         protocol  delivered  in flight  backlog  drain"
        "        detail\n"
        "  mqtt  connected  3 s  mqtt://broker  mqtt 5    9          1          3        12/s, 3 min\n"
        "\n"
        "COUNTERS\n"
        "  name    count\n"
        "  hellos  3"
    )


def test_faults_come_before_everything_else():
    fault = FaultStatus(name="disk_full", subject="store", detail="0 octets", age_s=130.0)
    lines = text(replace(STATUS, faults=(fault,))).splitlines()
    assert lines[2:5] == [
        "FAULTS",
        "  name       of     for    detail",
        "  disk_full  store  2 min  0 octets",
    ]


def test_peer_text_cannot_move_the_cursor_or_fill_the_screen():
    node = replace(NODE, name="\x1b[2J\n" + "x" * 1_000)
    shown = text(replace(STATUS, nodes=(node,)))
    assert "\x1b" not in shown
    assert "\\x1b[2J\\nxxx" in shown
    assert max(map(len, shown.splitlines())) < CELL_LIMIT + 120


def test_an_unpaired_surrogate_from_json_is_shown_as_an_escape():
    node = replace(NODE, name="\ud800")
    assert "\\ud800" in text(replace(STATUS, nodes=(node,)))


def test_a_gateway_without_anything_shows_its_store_only():
    empty = replace(STATUS, disk=DiskStatus(), ports=(), nodes=(), sinks=(), counters={})
    assert re.findall("(?m)^[A-Z]+$", text(empty)) == ["STORE"]


def test_the_summary_is_one_line_that_names_the_faults():
    fault = FaultStatus(name="refused", subject="sink mqtt", age_s=1.0)
    assert summary(STATUS) == "1 node; 12 records stored; waiting: 3 for mqtt"
    assert summary(replace(STATUS, faults=(fault,))).endswith("; faults: refused (sink mqtt)")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "119 min"),
        (7_200, "2 h 0 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("us", "shown"),
    [(None, ""), (0, " ±0 us"), (999, " ±999 us"), (1_000, " ±1.0 ms"), (2_500_000, " ±2.5 s")],
)
def test_an_uncertainty_has_the_unit_that_fits(us, shown):
    assert uncertainty(us) == shown


def test_ports_that_differ_at_their_end_only_can_be_told_apart():
    hub = "/dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.{}:1.0-port0"
    ports = tuple(PortStatus(path=hub.format(number), state="open", age_s=1.0) for number in (3, 4))
    shown = text(replace(STATUS, ports=ports))
    for number in (3, 4):
        assert f"  /dev/serial/by-pa...cie-pci-0000:01:00.0-usb-0:1.{number}:1.0-port0  open   1 s" in shown


def test_a_detail_is_not_cut_where_nothing_stands_behind_it():
    detail = "file_unreadable: /etc/fieldgate/broker.example/mqtt.password: Permission denied"
    fault = FaultStatus(name="connection_lost", subject="sink mqtt", detail=detail, age_s=1.0)
    assert text(replace(STATUS, faults=(fault,))).count(detail) == 1


def test_consumers_are_shown_with_how_far_they_are_behind():
    consumers = (
        ConsumerStatus(name="historian", state="behind", spoke_ago_s=3.0, behind=12, behind_s=250.0),
        ConsumerStatus(name="twin", state="consumer_silent"),
    )
    (sink,) = STATUS.sinks
    shown = text(replace(STATUS, sinks=(replace(sink, consumers=consumers),)))
    assert (
        "CONSUMERS\n"
        "  name       of sink  state            spoke    behind      since\n"
        "  historian  mqtt     behind           3 s ago  12 records  4 min\n"
        "  twin       mqtt     consumer_silent  never    0 records   -\n"
    ) in shown


def test_an_open_port_says_so_when_no_node_speaks_there():
    ports = (*STATUS.ports, PortStatus(path="/dev/ttyUSB1", state="open", age_s=9.0))
    lines = text(replace(STATUS, ports=ports)).splitlines()
    assert [line for line in lines if "no node" in line] == [
        "  /dev/ttyUSB1  open     9 s        no node has introduced itself here"
    ]


def test_on_a_terminal_of_80_columns_no_line_is_longer_and_nothing_is_missing():
    detail = "no answer; next step: " + "x " * 60
    fault = FaultStatus(name="unreachable", subject="sink mqtt", detail=detail, age_s=1.0)
    wide = replace(STATUS, faults=(fault,), disk=replace(STATUS.disk, mount="ext4 (rw,relatime) on / " * 4))
    narrow = click.unstyle("\n".join(report(wide, 80)))
    assert max(map(len, narrow.splitlines())) <= 80
    for value in ("unreachable", "a1b2c3d4e5f6", "±1.2 ms", "mqtt://broker", "12/s, 3 min", "8 d 2 h"):
        assert value in narrow
