"""The power is cut in a wake, in any operation of its flash: the board starts, and what was there is sent."""

import pytest

from tests.firmware.sleeping import Sleeping

CUTS = 24  # of some hundred; hil_tests/queue_cuts has all of a queue's


@pytest.mark.timeout(120)
def test_a_cut_in_the_wake_that_writes_to_flash_costs_what_rtc_memory_held_and_no_more(tmp_path):
    life = Sleeping(tmp_path, send_every=1000, link_s=10)
    try:
        life.gateway.deaf = True
        life.run_wakes(25)
        life.board.record_flash()
        life.time.run_until(lambda: life.board.flash_position, 20 * 60)
        life.until_asleep()
        life.run_wakes(1)
        last = sum(1 for _ in life.board.flash_images()) - 1
        chosen = {number * last // (CUTS - 1) for number in range(CUTS)}
        images = [image.octets() for at, image in enumerate(life.board.flash_images()) if at in chosen]
        life.gateway.deaf = False
        came = set()
        for octets in images:
            life.board.kill()
            life.board.write_flash(octets)
            life.board.start()
            life.until_asleep()
            came.add(len([record for record in life.stored() if record.boot == life.boots()[0]]))
            assert life.starts.get("hard", 0) + life.starts.get("watchdog", 0) == 0
    finally:
        life.close()
    first, *later = life.boots()
    assert len(later) == CUTS
    # Before the write nothing of the first boot was in flash, after it a block of records.
    assert max(came) > 2 * 25
    seqs = [record.seq for record in life.stored() if record.boot == first]
    assert seqs == list(range(len(seqs)))
    assert not [record for record in life.gateway.records if record not in life.stored()]
    assert all(len(octets) == 1 for octets in life.sent.values())
