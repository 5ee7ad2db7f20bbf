"""gateway/port.py and the adapter behind a port."""

import asyncio
import contextlib

from gateway.config import PortConfig
from gateway.counters import Conditions, Counters
from gateway.port import PortState, PortSupervisor, PortTiming
from gateway.serial_adapter import SerialAdapter
from gateway.serial_port import SerialPort
from tests.gateway.echoing_line import EchoingLine, until
from tests.gateway.serial_pair import SerialPair


def dull(path, baud):
    """A port whose FTDI chip could not be told to hurry."""
    port = SerialPort.open(path, baud)
    port.adapter = SerialAdapter(latency_ms=16)
    return port


async def test_an_adapter_that_keeps_octets_back_is_a_fault_until_it_is_gone(tmp_path):
    line, counters = EchoingLine(), Counters()
    conditions = Conditions(counters)
    supervisor = PortSupervisor(
        PortConfig(glob=str(tmp_path / "ttyUSB*")),
        line.serve,
        taken=set(),
        counters=counters,
        conditions=conditions,
        timing=PortTiming(rescan_s=0.005),
        opener=dull,
    )
    pair = SerialPair(tmp_path, "ttyUSB0")
    task = asyncio.create_task(supervisor.run())
    try:
        await line.echoed(pair)
        [fault] = conditions.faults()
        assert (fault.subject, fault.state) == (f"adapter {pair.path}", "ftdi_latency")
        assert "16 ms" in fault.detail
        pair.unplug()
        await until(lambda: [each.state for each in conditions.faults()] == [PortState.LOST])
    finally:
        pair.unplug()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
