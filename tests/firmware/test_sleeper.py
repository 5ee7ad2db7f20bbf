"""A node that sleeps: what a wake does, what it costs, and what is left of it."""

from itertools import pairwise

import pytest

from hil_tests.board import peripherals
from tests.firmware.launched import with_mistake
from tests.firmware.sleeping import AIR, EVERY, LOAD, WAKE_S
from wire.remote import Command

LITTLE_HEAP_OCTETS = 100 * 1024  # 9 KB less than an ESP32 has
AWAKE_MS = 600  # of a wake without link: an HX711 that was opened just now takes five conversions to settle
CRASHES_IN_ITS_4TH_MINUTE = """

_scan = Sampler._scan

async def _crash(self, until_us):
    if 230000000 < self._ticks.now_us() < 290000000:
        raise ValueError("a minute too many")
    await _scan(self, until_us)

Sampler._scan = _crash
"""


def ticks(records):
    return [record.t_first for record in records]


def frames(life, begin=0):
    return life.said[begin:].count(b"\x7e")


def test_it_samples_at_each_wake_and_says_nothing_until_the_kth(sleeping):
    life = sleeping()
    life.until_asleep()
    assert [len(life.stored(group)) for group in (AIR, LOAD)] == [1, 1]
    hellos, said = len(life.gateway.hellos), len(life.said)
    life.run_wakes(EVERY - 1)
    assert frames(life, said) == 0
    assert len(life.gateway.hellos) == hellos
    life.run_wakes(1)
    assert [len(life.stored(group)) for group in (AIR, LOAD)] == [EVERY + 1] * 2
    apart = [later - sooner for sooner, later in pairwise(ticks(life.stored(AIR)))]
    assert all(abs(each - WAKE_S * 1_000_000) < 50_000 for each in apart[1:])
    assert all(isinstance(value, int) for record in life.stored() for value in record.values)


def test_all_wakes_are_one_boot_whose_seqs_go_on_and_whose_start_is_written_once(sleeping):
    life = sleeping(send_every=2)
    life.until_asleep()
    life.run_wakes(4)
    assert life.file("/boot_count") == b"0\n"
    assert len({record.boot for record in life.stored()}) == 1
    assert [record.seq for record in life.stored()] == list(range(10))
    assert len(life.sent) == 10


def test_a_wake_without_link_is_short(sleeping):
    life = sleeping()
    life.until_asleep()
    for _ in range(3):
        life.time.run_until(lambda: life.board.pid is not None, 100)
        begun_s = life.time.seconds
        life.until_asleep()
        assert 0 < (life.time.seconds - begun_s) * 1000 < AWAKE_MS


def test_a_contact_ends_when_all_is_acknowledged_or_its_time_is_over(sleeping):
    life = sleeping(send_every=2, link_s=20)
    life.until_asleep()
    assert 10 <= life.time.seconds < 12  # the technician's window after power-on
    life.run_wakes(1)
    for deaf, least_s, most_s in ((False, 1, 4), (True, 20, 21)):
        life.gateway.deaf = deaf
        life.time.run_until(lambda: life.board.pid is not None, 100)
        begun_s = life.time.seconds
        life.until_asleep()
        assert least_s < life.time.seconds - begun_s < most_s
        life.run_wakes(1)


@pytest.mark.timeout(60)
def test_no_scan_is_missed_after_a_contact_that_ends_shortly_before_it(sleeping):
    life = sleeping(send_every=2, link_s=50)
    life.gateway.deaf = True
    life.time.run_for(6.5 * WAKE_S)
    life.gateway.deaf = False
    life.time.run_for(2 * WAKE_S)
    taken = ticks(life.stored(AIR))
    assert len(taken) >= 8
    assert all(abs(later - sooner - WAKE_S * 1_000_000) < 50_000 for sooner, later in pairwise(taken))


@pytest.mark.timeout(60)
def test_what_rtc_memory_has_no_room_for_goes_to_flash_and_all_comes_home(sleeping):
    life = sleeping(send_every=40, of_board={"heap_octets": LITTLE_HEAP_OCTETS})
    life.gateway.deaf = True
    life.run_wakes(39)
    assert life.stored() == []
    assert life.board.counters.boots["hard"] == 0
    life.gateway.deaf = False
    life.run_wakes(1)
    assert [record.seq for record in life.stored()] == list(range(2 * 41))
    assert all(len(octets) == 1 for octets in life.sent.values())
    assert len(life.sent) == 2 * 41


@pytest.mark.timeout(60)
def test_without_flash_it_asks_for_the_gateway_earlier_and_names_what_it_drops(sleeping):
    life = sleeping(send_every=45, more={"queue_flash_octets": 0})
    life.until_asleep()
    life.run_wakes(30)
    early = len(life.stored())
    assert 2 < early <= 2 * 31  # RTC memory was filling
    life.gateway.deaf = True
    life.run_wakes(36)
    life.gateway.deaf = False
    life.time.run_until(lambda: len(life.stored()) > early, 60 * WAKE_S)
    life.until_asleep()
    gaps = [record for record in life.gateway.records if record not in life.stored()]
    assert {gap.reason for gap in gaps} == {"queue_full"}
    assert sum(gap.next_seq - gap.seq for gap in gaps) + len(life.stored()) == 2 * (1 + life.wakes)


@pytest.mark.timeout(60)
def test_a_loss_of_power_costs_at_most_what_rtc_memory_held(sleeping):
    life = sleeping(send_every=3)
    life.until_asleep()
    for boots, lose in enumerate((life.board.power_cut, life.board.brown_out, life.board.reset), 1):
        life.run_wakes(3)
        life.run_wakes(2)
        stored = {(record.boot, record.seq) for record in life.stored()}
        lose()
        life.time.run_for(1)
        life.until_asleep()
        of = [sorted(record.seq for record in life.stored() if record.boot == boot) for boot in life.boots()]
        assert of == [list(range(8))] * boots + [[0, 1]]
        assert stored < {(record.boot, record.seq) for record in life.stored()}
    assert [boot >> 16 for boot in life.boots()] == [0, 1, 2, 3]


def test_a_crash_in_a_wake_costs_none_of_the_records_of_earlier_wakes(sleeping):
    life = sleeping(with_mistake(firmware_sampler=CRASHES_IN_ITS_4TH_MINUTE))
    life.until_asleep()
    life.run_wakes(5)
    first, second = life.boots()
    # Minutes 0 to 3 of both groups; the one after them failed.
    assert [record.seq for record in life.stored() if record.boot == first] == list(range(2 * 4))
    assert [record.seq for record in life.stored() if record.boot == second] == [0, 1]
    assert any("a minute too many" in hello.crash for hello in life.gateway.hellos)
    assert all(len(octets) == 1 for octets in life.sent.values())


CRASHES_ONCE_AFTER_A_WRITE = """
import os

_save = Spill._save

def _crash(self, stream, newcomer):
    saved = _save(self, stream, newcomer)
    if saved and "crash.txt" not in os.listdir("/"):
        raise ValueError("a write too many")
    return saved

Spill._save = _crash
"""


@pytest.mark.timeout(60)
def test_flash_that_knows_more_than_rtc_memory_after_a_crash_is_believed(sleeping):
    mistake = with_mistake(firmware_spill=CRASHES_ONCE_AFTER_A_WRITE)
    life = sleeping(mistake, wake_ms=5000, send_every=1, link_s=60)
    life.gateway.deaf = True
    life.time.run_until(lambda: life.starts.get("hard"), 600)
    in_rtc_memory = 2 * 12 * life.wakes  # it slept so often, after a minute of scans each
    life.gateway.deaf = False
    life.time.run_until(lambda: len(life.boots()) == 2, 120)
    life.until_asleep()
    seqs = [record.seq for record in life.stored() if record.boot == life.boots()[0]]
    assert seqs == list(range(len(seqs)))
    assert len(seqs) > in_rtc_memory + 6
    assert all(len(octets) == 1 for octets in life.sent.values())


def test_a_wake_that_ends_in_another_deep_sleep_than_its_own_is_no_boot_to_go_on_with(sleeping):
    life = sleeping(send_every=3)
    life.until_asleep()
    life.run_wakes(2)
    life.time.run_until(lambda: life.board.pid is not None, 100)
    life.time.run_until(lambda: len(life.stored()) == 2 * 4, 10)  # seqs that RTC memory does not know of
    life.board.type(b"\x03")
    life.time.run_until(lambda: b">>> " in life.said, 5)
    life.board.type(b"\x01import machine; machine.deepsleep(1000)\x04")
    life.time.run_for(3)
    life.until_asleep()
    _first, second = life.boots()
    assert [record.seq for record in life.stored() if record.boot == second] == [0, 1]
    assert all(len(octets) == 1 for octets in life.sent.values())


def test_ctrl_c_within_a_wake_lets_a_technician_in(sleeping):
    life = sleeping()
    life.until_asleep()
    life.time.run_until(lambda: life.board.pid is not None, 100)
    life.board.type(b"\x03")
    life.time.run_until(lambda: b">>> " in life.said, 5)
    life.time.run_for(1800)
    assert life.wakes == 1
    life.board.type(b"\x03\x01import machine; machine.reset()\x04")
    life.time.run_for(30)
    assert life.file("/failed") is None
    assert life.starts["hard"] == 1


def test_ctrl_c_after_power_on_finds_it_awake_for_ten_seconds(sleeping):
    life = sleeping()
    life.time.run_for(9.5)
    life.board.type(b"\x03")
    life.time.run_until(lambda: b">>> " in life.said, 5)


def test_an_order_keeps_it_awake_and_it_samples_on(sleeping):
    life = sleeping()
    life.until_asleep()
    life.run_wakes(EVERY - 1)
    life.time.run_until(lambda: life.board.pid is not None, 100)
    begun_s = life.time.seconds
    life.time.run_until(lambda: len(life.stored()) > 2, 10)
    life.gateway.send(Command(1, "awake", {"seconds": 300}))
    life.until_asleep(500)
    assert [result.status for result in life.gateway.results] == ["ok"]
    assert 300 < life.time.seconds - begun_s < 400
    assert len(life.stored(AIR)) == 1 + EVERY + 5
    life.run_wakes(2)
    assert len(life.stored(AIR)) == 1 + EVERY + 5  # the count of wakes has begun anew


def test_what_rtc_memory_has_of_a_boot_before_a_loss_of_power_is_never_gone_on_with(sleeping, monkeypatch):
    monkeypatch.setattr(peripherals, "DIP_SHARE", 0)  # as EN and a short dip may spare it
    life = sleeping(send_every=3)
    life.until_asleep()
    life.board.brown_out()
    life.time.run_until(lambda: len(life.boots()) == 2, 20)
    life.board.type(b"\x03")
    life.time.run_for(30)  # the RTC, which began anew, has come to where that boot fell asleep
    life.board.type(b"\x03\x01import machine; machine.deepsleep(1000)\x04")
    life.time.run_for(3)
    life.until_asleep()
    assert [boot >> 16 for boot in life.boots()] == [0, 1, 2]
