"""The classes of cases that the time simulator draws from."""

from dataclasses import replace
from itertools import pairwise
from random import Random

from tests.gateway.time_simulator import Case, NodeLife
from tests.gateway.virtual_day import PERFECT_NS, UTC_S, HostLife
from tests.gateway.virtual_links import FTDI, QUIET, USB, WIFI, Link, later
from tests.gateway.virtual_node import Crystal

LENGTH_S = 700.0


def crystal(rng: Random, **facts: float) -> Crystal:
    return Crystal(**{"skew_ppm": rng.gauss(0, 18), "wander_ppm": 0.02, **facts})


def host(rng: Random, begin_s: float = 0.0, end_s: float = LENGTH_S, **facts) -> HostLife:
    """A host that is right from its boot on, but for what the daemon's own bound allows."""
    error_s = rng.uniform(-0.004, 0.004)
    return HostLife(**{"begin_s": begin_s, "end_s": end_s, "sync_s": begin_s, "error_s": error_s, **facts})


def free(rng: Random) -> float:
    """A host's crystal that nobody corrects."""
    return rng.uniform(-60, 60)


def perfect(end_s: float = LENGTH_S) -> HostLife:
    """A host without any error to speak of, so that the node's own stands alone."""
    return HostLife(begin_s=0.0, end_s=end_s, sync_s=0.0, stated_ns=PERFECT_NS)


def node(rng: Random, end_s: float = LENGTH_S, **facts) -> NodeLife:
    return NodeLife(begin_s=rng.uniform(-300, 5), end_s=end_s, **facts)


def simple(rng: Random, **facts) -> Case:
    return Case(**{"hosts": (perfect(),), "nodes": (node(rng),), "crystal": crystal(rng), **facts})


def skew(rng: Random) -> Case:
    return simple(rng, crystal=crystal(rng, skew_ppm=rng.uniform(-150, 150)))


def wander(rng: Random) -> Case:
    return simple(rng, crystal=crystal(rng, wander_ppm=1.0))


def temperature(rng: Random) -> Case:
    ramp = crystal(rng, ramp_ppm_h=rng.uniform(-8, 8), ramp_at_s=rng.uniform(0, LENGTH_S))
    return simple(rng, crystal=ramp, outages=((300.0, 600.0),))


def smear(rng: Random) -> Case:
    return simple(rng, crystal=crystal(rng, kink_ppm=rng.choice((-11.6, 11.6)), kink_at_s=LENGTH_S / 2))


def uart(rng: Random) -> Case:
    return simple(rng)


def usb(rng: Random) -> Case:
    return simple(rng, link=USB)


def wifi(rng: Random) -> Case:
    return simple(rng, link=WIFI, lost=0.2)


def asymmetry(rng: Random) -> Case:
    slow = rng.uniform(0, 5)
    turned = rng.random() < 0.5
    down, up = (later(QUIET, slow), QUIET) if turned else (QUIET, later(QUIET, slow))
    return simple(rng, link=Link(down=down, up=up))


def unknown_baud(rng: Random) -> Case:
    """A slow line that the gateway does not know to be one: a long answer to a short question."""
    return simple(rng, link=Link(down=QUIET, up=QUIET, pace_us=1e7 / 19_200, counted=False))


def ftdi(rng: Random) -> Case:
    return simple(rng, link=FTDI)


def lost_exchanges(rng: Random) -> Case:
    return simple(rng, lost=0.7)


def cable_away(rng: Random) -> Case:
    away_s = rng.uniform(60, 300)
    return simple(rng, outages=((away_s, away_s + 250.0),))


def holdover(rng: Random) -> Case:
    """An hour without a cable, after a time that was long or short; it comes back, or does not."""
    measured_s = rng.choice((120.0, 1200.0))
    end_s = measured_s + 3600.0 + rng.choice((0.0, 120.0))
    moved = crystal(rng, wander_ppm=0.1, ramp_ppm_h=rng.uniform(-2, 2), ramp_at_s=measured_s)
    return simple(
        rng,
        hosts=(perfect(end_s),),
        nodes=(node(rng, end_s=end_s),),
        crystal=moved,
        outages=((measured_s, measured_s + 3600.0),),
        every_s=151.0,
    )


def late_sync(rng: Random) -> Case:
    """A Pi without a clock: 1970, a fake-hwclock's hour, or a year ahead; then the network comes."""
    off_s = rng.choice((-UTC_S, -3600.0 * rng.uniform(1, 24), 86_400.0 * 365))
    sync_s = rng.uniform(30, LENGTH_S - 30)
    late = host(rng, sync_s=sync_s, wall_off_s=off_s, free_ppm=free(rng))
    return simple(rng, hosts=(late,))


def sync_lost(rng: Random) -> Case:
    """The daemon goes silent, somebody sets the clock by hand, the daemon comes back."""
    by_s = rng.choice((-3600.0, -1.0, 1.0, 3600.0))
    life = host(
        rng,
        lost_s=150.0,
        again_s=rng.choice((500.0, 1e12)),
        free_ppm=free(rng),
        steps=((300.0, by_s),),
    )
    return simple(rng, hosts=(life,))


def leap_second(rng: Random) -> Case:
    at_s = rng.uniform(100, 600)
    life = host(rng, steps=((at_s, -1.0),))
    return simple(rng, hosts=(life,), every_s=0.4 + 20 * rng.random(), leap_s=at_s)


def slewed(rng: Random) -> Case:
    """A daemon that bends the clock to the truth instead of setting it: both clocks of the host move."""
    by_s = rng.uniform(-0.4, 0.4)
    sync_s = rng.uniform(60, 300)
    life = host(
        rng,
        sync_s=sync_s,
        wall_off_s=-by_s,
        error_s=0.0,
        bends=((sync_s, by_s, abs(by_s) / rng.choice((500e-6, 5e-2))),),
    )
    return simple(rng, hosts=(life,))


def never_synced(rng: Random) -> Case:
    """Power lost before the network came, once or twice, between boots that knew; nodes went with it."""
    count = rng.choice((1, 2))
    hosts = [host(rng, 0.0, 300.0)]
    for _ in range(count):
        begin_s = hosts[-1].end_s + rng.uniform(20, 2000)
        wall_s = rng.choice((-UTC_S, -5000.0, 0.0, 5000.0))
        hosts.append(
            HostLife(
                begin_s=begin_s,
                end_s=begin_s + 200.0,
                sync_s=None,
                wall_off_s=wall_s,
                free_ppm=free(rng),
            )
        )
    begin_s = hosts[-1].end_s + rng.uniform(20, 2000)
    hosts.append(host(rng, begin_s, begin_s + 100.0))
    nodes = tuple(NodeLife(begin_s=life.begin_s + 1, end_s=life.end_s) for life in hosts)
    return simple(rng, hosts=tuple(hosts), nodes=nodes, every_s=23.0)


def witness(rng: Random) -> Case:
    """As before, and a node that stayed up: the one that sends, or another one."""
    first = host(rng, 0.0, 300.0)
    begin_s = 300.0 + rng.uniform(20, 900)
    lost = HostLife(
        begin_s=begin_s, end_s=begin_s + 300.0, sync_s=None, wall_off_s=-UTC_S, free_ppm=free(rng)
    )
    begin_s = lost.end_s + rng.uniform(20, 900)
    last = host(rng, begin_s, begin_s + 100.0)
    first, last = (
        (first, last) if rng.random() < 0.7 else (first, host(rng, begin_s, begin_s + 100.0, sync_s=None))
    )
    stays = NodeLife(begin_s=-100.0, end_s=last.end_s)
    if rng.random() < 0.5:
        return simple(rng, hosts=(first, lost, last), nodes=(stays,), every_s=23.0)
    stays = NodeLife(begin_s=-100.0, end_s=last.end_s, witness=True)
    others = tuple(NodeLife(begin_s=life.begin_s + 1, end_s=life.end_s) for life in (first, lost, last))
    return simple(rng, hosts=(first, lost, last), nodes=(stays, *others), every_s=23.0)


def gateway_reboots(rng: Random) -> Case:
    """The node goes on measuring meanwhile, and its backlog comes to a boot that knows the time, or will."""
    again_s = 250.0 + rng.uniform(20, 300)
    late_s = rng.choice((0.0, 120.0))
    hosts = (
        host(rng, 0.0, 250.0),
        host(
            rng,
            again_s,
            again_s + 250.0,
            sync_s=again_s + late_s,
            wall_off_s=-UTC_S,
            free_ppm=free(rng),
        ),
    )
    return simple(rng, hosts=hosts, nodes=(node(rng, end_s=hosts[1].end_s),), every_s=17.0)


def node_reboots(rng: Random) -> Case:
    """In the middle of a batch, which comes after the reboot."""
    reset_s = rng.uniform(100, 600)
    nodes = (
        NodeLife(begin_s=rng.uniform(-300, 5), end_s=reset_s, keeps=True),
        NodeLife(begin_s=reset_s + 3.0, end_s=LENGTH_S),
    )
    return simple(rng, nodes=nodes, outages=((reset_s - 40.0, reset_s + 30.0),), every_s=9.0)


def sleeper(rng: Random) -> Case:
    """A contact in 15 minutes; between them an oscillator 5,000 ppm off that follows the temperature."""
    length_s = 4 * 3600.0
    slow = Crystal(
        skew_ppm=rng.choice((-5000.0, 5000.0)),
        wander_ppm=300.0,
        ramp_ppm_h=rng.uniform(-2000, 2000),
        ramp_at_s=rng.uniform(0, length_s),
    )
    contacts_s = [900.0 * number for number in range(17)]
    missed = rng.randrange(1, 15)
    del contacts_s[missed]
    asleep = tuple((at_s + 8.0, next_s) for at_s, next_s in pairwise(contacts_s))
    life = NodeLife(begin_s=0.0, end_s=length_s)
    return simple(
        rng,
        hosts=(perfect(length_s),),
        nodes=(life,),
        crystal=slow,
        outages=asleep,
        every_s=60.0,
        ppm=10_000,
    )


def sleeper_gateway_reboots(rng: Random) -> Case:
    """The same, and the gateway begins anew while the node sleeps, twice."""
    case = sleeper(rng)
    ends_s = (0.0, rng.uniform(3000, 4000), rng.uniform(8000, 9000), 4 * 3600.0)
    hosts = tuple(
        HostLife(begin_s=begin_s, end_s=end_s - 50.0, sync_s=begin_s, stated_ns=PERFECT_NS)
        for begin_s, end_s in pairwise(ends_s)
    )
    return replace(case, hosts=hosts)


def wrap_30(rng: Random) -> Case:
    return simple(rng, wrap=2**30, hosts=(perfect(1500.0),), nodes=(node(rng, end_s=1500.0),))


def wrap_32(rng: Random) -> Case:
    return simple(rng, wrap=2**32)


CLASSES = {
    draw.__name__: draw
    for draw in (
        skew,
        wander,
        temperature,
        smear,
        uart,
        usb,
        wifi,
        asymmetry,
        unknown_baud,
        ftdi,
        lost_exchanges,
        cable_away,
        holdover,
        late_sync,
        sync_lost,
        leap_second,
        slewed,
        never_synced,
        witness,
        gateway_reboots,
        node_reboots,
        sleeper,
        sleeper_gateway_reboots,
        wrap_30,
        wrap_32,
    )
}
