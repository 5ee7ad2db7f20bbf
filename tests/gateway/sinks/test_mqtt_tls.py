"""gateway/sinks/mqtt.py through TLS."""

from pathlib import Path

import pytest

from gateway.sinks.sink_state import SinkState
from hil_tests.broker import Broker

# paho leaves the socket of a failed handshake to the collector, which closes it at once.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
CERTIFICATES = Path(__file__).parents[2] / "vectors" / "tls"


@pytest.fixture
def broker(tmp_path):
    settings = f"certfile {CERTIFICATES}/broker.pem\nkeyfile {CERTIFICATES}/broker.key"
    with Broker(tmp_path / "broker", settings=settings) as broker:
        yield broker


async def test_a_broker_that_shows_the_right_certificate_is_delivered_to(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(300)
    url = broker.url.replace("mqtt:", "mqtts:")
    async with sinking(url, ca_file=CERTIFICATES / "ca.pem", require_subscriber=False) as sink:
        await until(lambda: sink.status().backlog == 0)
    assert sink.status().delivered == 300


async def test_a_broker_that_nobody_vouches_for_gets_nothing(bench, broker, sinking, until):
    bench.measure()
    await bench.fill(1)
    url = broker.url.replace("mqtt:", "mqtts:")
    async with sinking(url, ca_file=CERTIFICATES / "other_ca.pem") as sink:
        await until(lambda: sink.status().state == SinkState.TLS_FAILED)
    assert "certificate verify failed" in sink.status().detail
    assert bench.store.cursor("mqtt") == 0


async def test_a_broker_without_tls_is_not_spoken_to_in_clear(bench, tmp_path, sinking, until):
    with Broker(tmp_path / "clear") as clear:
        url = clear.url.replace("mqtt:", "mqtts:")
        async with sinking(url, ca_file=CERTIFICATES / "ca.pem") as sink:
            await until(lambda: sink.status().state in (SinkState.TLS_FAILED, SinkState.UNREACHABLE))
    assert sink.status().delivered == 0
