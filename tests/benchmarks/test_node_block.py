"""One block keeps its budget of heap; its time is printed, and judged by nobody."""

from benchmarks import node_block


def test_a_block_through_the_queue_keeps_its_budget_of_heap():
    kind, (ours, plain) = node_block.KINDS[0], node_block.measure()[0]
    heap = node_block.ROWS.index("heap, octets")
    assert 0 < ours[heap] <= node_block.ALLOCATED_MOST, node_block.report(kind, ours, plain)


def test_the_report_has_the_ratio_to_json_in_the_same_run():
    lines = node_block.report("a block", [50.0, 1501, 68], [10.0, 750, 272]).splitlines()
    assert [line.split()[-1] for line in lines] == ["ratio", "5.00", "2.00", "0.25"]
