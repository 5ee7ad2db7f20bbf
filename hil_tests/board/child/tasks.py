"""`_asyncio`: tasks and their queue. MicroPython's own, in C, goes by the PC's clock."""

from shim import module
from ticks import ticks_ms
from time import ticks_diff as _diff

_core = None  # the globals of asyncio.core


class TaskQueue:
    """Tasks by `ph_key`, the millisecond when each is due; of equal ones the first pushed comes first."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        task.data = None
        key = task.ph_key = ticks_ms() if key is None else key
        tasks = self._tasks
        at = len(tasks)
        while at and _diff(tasks[at - 1].ph_key, key) > 0:
            at -= 1
        tasks.insert(at, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """`state`: True while it runs and nobody waits for it; a TaskQueue of those who wait; a callable to
    tell; None when it is over and nobody has asked; False when somebody has. `data`: what it waits in;
    when it is over, the exception that ended it.
    """

    def __init__(self, coro, globals=None):
        global _core
        if _core is None:
            _core = globals
            _hasten(globals["IOQueue"])
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            if self.data is None:
                raise StopIteration  # its exception went to the loop's handler
            raise self.data
        current = _core["cur_task"]
        self.state.push(current)
        current.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        if self is _core["cur_task"]:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data  # who waits for another is woken by that one's end
        queue = _core["_task_queue"]
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            queue.push(task)
        elif _diff(task.ph_key, ticks_ms()) > 0:
            queue.remove(task)
            queue.push(task)
        task.data = _core["CancelledError"]
        return True


def _hasten(io_queue):
    # The loop asks twice for each sleep, in a frame that goes on the heap. Mostly there is nothing to hear.
    ask = io_queue.wait_io_event

    def wait_io_event(self, timeout_ms):
        if not self.poller.passes(timeout_ms):
            ask(self, timeout_ms)

    io_queue.wait_io_event = wait_io_event


module("_asyncio", TaskQueue=TaskQueue, Task=Task)
