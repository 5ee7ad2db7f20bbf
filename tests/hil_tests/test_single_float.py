"""The MicroPython that scripts/build-micropython makes is, for a program, an ESP32."""

import json
import subprocess

import pytest

from hil_tests.interpreters import ProgramMissing, micropython

HEAP_KB = 100


@pytest.fixture(scope="module")
def say():
    """Run a program; what it printed, as JSON."""
    try:
        program = micropython("single-float")
    except ProgramMissing as missing:
        pytest.skip(str(missing))

    def run(source):
        command = [program, "-X", f"heapsize={HEAP_KB}k", "-c", f"import gc, json\n{source}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=9, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


def octets_of(expression):
    """A program that prints how much of the heap the value of an expression takes."""
    return f"""
x = 1
def take():
    before = gc.mem_alloc()
    y = {expression}
    return gc.mem_alloc() - before
gc.collect(); gc.disable()
print(json.dumps(take()))
"""


def test_floats_are_single(say):
    assert say("x = 16777216.0; print(json.dumps(x + 1 == x))") is True


def test_small_integers_end_at_31_bits(say):
    assert say(octets_of("x + 0x3FFFFFFE")) == 0
    assert say(octets_of("x + 0x3FFFFFFF")) > 0


def test_a_float_takes_one_block_of_the_heap(say):
    assert say(octets_of("x / 3")) == 16


def test_long_integers_have_no_limit(say):
    assert say("print(json.dumps(str(1 << 100)))") == str(1 << 100)


def test_no_object_lies_across_the_two_halves_of_the_heap(say):
    largest = """
def fits(kb):
    try:
        return bool(bytearray(kb * 1024))
    except MemoryError:
        return False
found = [fits(45), fits(55)]
gc.collect()
print(json.dumps(found + [gc.mem_free() > 90 * 1024]))
"""
    assert say(largest) == [True, False, True]


def test_it_has_what_the_firmware_imports(say):
    modules = "asyncio binascii collections errno hashlib json os select struct sys time vfs"
    assert say(f"for name in '{modules}'.split(): __import__(name)\nprint(json.dumps(1))") == 1
