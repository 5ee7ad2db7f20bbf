"""firmware/heart.py on the real MicroPython, with a clock of the test's own."""

from tests.firmware.node import run_script

HEART = """
from firmware import heart

class Clock:
    now = 0
    ticks_ms = lambda: Clock.now
    ticks_add = lambda a, b: a + b
    ticks_diff = lambda a, b: a - b

heart.time = Clock
hung = []
beating = heart.Heart(1, hung.append)

def at(ms):
    Clock.now = ms
    beating._look()
    return hung
"""


def test_a_task_that_is_late_is_named():
    said = run_script(HEART + "beating.beat(heart.LINK_OUT, 100)\nprint(len(at(20000)), at(20200))")
    assert said == "0 ['task hung: link out']\n"


def test_a_task_that_goes_on_after_all_was_not_hung_and_may_be_named_again():
    said = run_script(
        HEART + "beating.beat(heart.LINK_OUT, 100)\nat(20200)\nat(25200)\n"
        "beating.beat(heart.LINK_OUT, 100)\nat(30000)\nat(35000)\nprint(at(60000))"
    )
    assert said == "['task hung: link out', '', 'task hung: link out']\n"


def test_a_wait_for_dns_that_nothing_runs_beside_is_no_hung_task():
    said = run_script(
        HEART + "import sys\n"
        "for name in ('umqtt', 'umqtt.simple', 'network'): sys.modules[name] = heart\n"
        "heart.MQTTClient = heart.MQTTException = None\n"
        "from firmware import wifi_client\n"
        "wifi_client.time = Clock\n"
        "port = object.__new__(wifi_client.WifiClient)\n"
        "port._heart = beating\n"
        "beating.beat(heart.LINK_OUT, 100)\n"
        "port._let_all_wait(40000)\n"
        "print(len(at(59000)), len(at(61000)))"
    )
    assert said == "0 1\n"
