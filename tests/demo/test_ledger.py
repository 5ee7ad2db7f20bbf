import json

from hil_tests.demo.identity import Gap, Stream
from hil_tests.demo.ledger import SHOWN, Evidence, balance, percentile

READINGS = Stream("aabbccddeeff", 3 << 16 | 7, 1)
EVENTS = Stream("aabbccddeeff", 3 << 16 | 7, 0)


def records(stream, *seqs):
    return [stream.record(seq) for seq in seqs]


def evidence(**differing):
    """Ten blocks of ten scans, all of them acknowledged, stored, delivered and received."""
    found = {
        "sampled": 104,
        "acknowledged": set(records(READINGS, *range(10))),
        "acknowledged_scans": 100,
        "stored": set(records(READINGS, *range(10))),
        "delivered": 10,
        "received": records(READINGS, *range(10)),
        "gaps": [],
        "waiting": set(),
        "latencies_s": [0.1] * 10,
    }
    return Evidence(**(found | differing))


def lost_seqs(**differing):
    return [record.seq for record in balance(evidence(**differing)).lost]


def test_a_run_without_loss_balances():
    ledger = balance(evidence())
    assert (ledger.lost, ledger.kept) == ((), True)
    assert (ledger.sampled, ledger.acknowledged, ledger.stored, ledger.delivered) == (104, 10, 10, 10)
    assert (ledger.received, ledger.repeats, ledger.gaps, ledger.in_nodes) == (10, 0, 0, 4)


def test_an_acknowledged_block_that_never_came_is_lost():
    assert lost_seqs(received=records(READINGS, *range(9))) == [9]


def test_loss_shows_even_where_the_counts_agree():
    # One block came that was never acknowledged, one that was did not: ten of each.
    assert lost_seqs(received=records(READINGS, *range(9), 10)) == [9]


def test_a_hole_before_a_received_block_is_lost_although_no_ack_for_it_was_seen():
    assert lost_seqs(acknowledged=set(), received=records(READINGS, 0, 1, 4)) == [2, 3]


def test_the_first_records_of_a_stream_can_be_lost_too():
    assert lost_seqs(received=records(READINGS, *range(2, 10))) == [0, 1]


def test_a_stream_of_which_nothing_came_is_lost_whole():
    acknowledged = set(records(READINGS, *range(10)) + records(EVENTS, 0, 1))
    assert list(balance(evidence(acknowledged=acknowledged)).lost) == records(EVENTS, 0, 1)


def test_the_same_seq_of_another_boot_or_node_does_not_stand_in():
    rebooted = READINGS._replace(boot=4 << 16)
    other = READINGS._replace(node="000000000001")
    received = [*records(READINGS, *range(9)), *records(rebooted, *range(10)), *records(other, *range(10))]
    assert lost_seqs(received=received) == [9]


def test_what_a_gap_names_is_not_lost():
    received = records(READINGS, 0, 1, 2, 6, 7, 8, 9)
    assert lost_seqs(received=received, gaps=[Gap(READINGS, 3, 6)]) == []
    assert lost_seqs(received=received, gaps=[Gap(READINGS, 4, 6)]) == [3]
    assert lost_seqs(received=received, gaps=[Gap(EVENTS, 3, 6)]) == [3, 4, 5]


def test_a_gap_counts_its_records_and_a_repeated_one_counts_once():
    ledger = balance(evidence(gaps=[Gap(READINGS, 3, 6), Gap(READINGS, 3, 6), Gap(EVENTS, 0, 1)]))
    assert ledger.gaps == 4


def test_what_waits_on_the_gateways_disk_is_not_lost():
    ledger = balance(
        evidence(received=[], delivered=0, latencies_s=[], waiting=set(records(READINGS, *range(10))))
    )
    assert (ledger.lost, ledger.waiting, ledger.latency_p50_ms) == ((), 10, None)


def test_an_ack_before_the_commit_breaks_a_promise_even_if_the_block_came():
    ledger = balance(evidence(stored=set(records(READINGS, *range(9)))))
    assert (ledger.lost, ledger.unstored, ledger.kept) == ((), (READINGS.record(9),), False)
    assert any(line.startswith("not stored") for line in ledger.lines())


def test_a_repeat_is_counted_and_stands_for_nothing_else():
    ledger = balance(evidence(received=records(READINGS, 0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8)))
    assert (ledger.received, ledger.repeats) == (9, 2)
    assert ledger.lost == (READINGS.record(9),)


def test_percentiles_are_values_that_were_measured():
    assert percentile([], 0.5) is None
    assert percentile([7.0], 0.99) == 7.0
    hundred = [float(n) for n in range(100, 0, -1)]
    assert (percentile(hundred, 0.50), percentile(hundred, 0.99)) == (50.0, 99.0)
    assert percentile([1.0, 2.0, 3.0], 0.99) == 3.0


def test_json_is_one_line_with_every_key():
    line = balance(evidence(received=records(READINGS, *range(9)))).to_json()
    document = json.loads(line)
    keys = "sampled acknowledged stored delivered received repeats gaps lost latency_p50_ms latency_p99_ms"
    assert "\n" not in line
    assert set(keys.split()) <= set(document)
    assert (document["lost"], document["latency_p50_ms"]) == (1, 100.0)
    assert document["lost_records"] == ["node aabbccddeeff boot 3 stream 1 seq 9"]


def test_the_text_fits_80_columns_and_names_what_is_lost():
    received = records(READINGS, *range(9))
    lines = list(balance(evidence(received=received, remarks=("the broker never answered",))).lines())
    assert max(map(len, lines)) <= 80
    assert any("node aabbccddeeff boot 3 stream 1 seq 9" in line for line in lines)
    assert any(line.startswith("in the nodes") and "4" in line for line in lines)
    assert lines[-1] == "note: the broker never answered"


def test_the_text_names_a_bounded_number_of_lost_records():
    acknowledged = set(records(READINGS, *range(SHOWN + 5)))
    lines = list(balance(evidence(acknowledged=acknowledged, stored=acknowledged, received=[])).lines())
    assert sum("seq" in line for line in lines) == SHOWN
    assert any("... and 5 more" in line for line in lines)
