"""asyncio on the emulated board: its tasks are ours, and must do as MicroPython's own."""

import os
import subprocess
from pathlib import Path

import pytest

from hil_tests.board import Board, VirtualTime
from hil_tests.interpreters import micropython

SCRIPT = """
import asyncio

async def step(name, ms, times=2, error=None):
    try:
        for n in range(times):
            await asyncio.sleep_ms(ms)
            print(name, n)
        if error:
            raise error
        return name
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise
    finally:
        print(name, "over")

async def catch(what):
    try:
        print("gave", await what)
    except BaseException as error:
        print("raised", type(error).__name__, error)

async def order():
    # Equal moments: first come, first served.
    tasks = [asyncio.create_task(step(str(n), 0, 3)) for n in range(4)]
    for task in tasks:
        await task

async def main():
    await catch(step("plain", 5))
    await catch(asyncio.create_task(step("task", 5)))
    await catch(asyncio.gather(step("a", 100), step("b", 60), step("c", 25)))
    await catch(asyncio.gather(step("d", 10), step("e", 50, 1, ValueError(1)), return_exceptions=True))
    await catch(asyncio.wait_for_ms(step("late", 50, 9), 120))
    await catch(asyncio.wait_for_ms(step("early", 10, 1), 500))
    task = asyncio.create_task(step("long", 1000))
    await asyncio.sleep_ms(10)
    print(task.done(), task.cancel())
    await catch(task)
    print(task.done(), task.cancel())
    await catch(task)
    # Who waits for another is woken by that one's end.
    inner = asyncio.create_task(step("inner", 1000))
    outer = asyncio.create_task(catch(inner))
    await asyncio.sleep_ms(10)
    outer.cancel()
    await catch(outer)
    event = asyncio.Event()
    waiters = [asyncio.create_task(asyncio.wait_for_ms(event.wait(), 400)) for _ in range(3)]
    await asyncio.sleep_ms(5)
    waiters[1].cancel()
    event.set()
    for waiter in waiters:
        await catch(waiter)
    lock = asyncio.Lock()
    async def hold(name):
        async with lock:
            await asyncio.sleep_ms(5)
            print("held", name)
    await asyncio.gather(*[hold(n) for n in range(4)])
    await order()
    try:
        asyncio.current_task().cancel()
    except RuntimeError as error:
        print(error)
    flag = asyncio.ThreadSafeFlag()
    flag.set()
    await catch(flag.wait())
    await catch(asyncio.wait_for_ms(flag.wait(), 30))
    def handler(loop, context):
        print("nobody asked", type(context["exception"]).__name__)
    asyncio.get_event_loop().set_exception_handler(handler)
    asyncio.create_task(step("lost", 1, 1, KeyError(2)))
    await asyncio.sleep_ms(30)

asyncio.run(main())
print("end")
"""


def stock() -> str:
    return subprocess.run(
        [micropython(), "-c", SCRIPT],
        env={"PATH": os.defpath, "MICROPYPATH": ".frozen"},
        capture_output=True,
        timeout=9,
        check=True,
    ).stdout.decode()


@pytest.mark.timeout(60)
def test_tasks_do_as_those_of_the_stock_interpreter(tmp_path: Path) -> None:
    time = VirtualTime()
    said = bytearray()
    with Board(tmp_path / "b", time=time) as board:
        board.kill()
        board.install({"/main.py": SCRIPT.encode()})
        board.on_octets(lambda _way, octets, _ns: said.extend(octets))
        board.start()
        time.run_until(lambda: b"\nend\r\n" in said, 60)
    printed = said.decode().replace("\r\n", "\n").rpartition("entry 0x400805c0\n")[2]
    ours = printed.partition("\nend\n")[0] + "\nend\n"
    # The stock one is at the mercy of the PC, whose load changes what comes first: one calm run will do.
    assert any(ours == stock() for _ in range(10))
