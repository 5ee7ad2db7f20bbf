"""gateway/sinks/protocol.py"""

from gateway.sinks.protocol import ASK_AGAIN_S, ProtocolMemory, Version

OLD, NEW = Version.MQTT_3_1_1, Version.MQTT_5


def asked(answer_5, answer_311, *, now_s=0.0, memory=None):
    """Connect as a sink does, until the broker is kept or left; gives the versions in their order."""
    memory = memory or ProtocolMemory()
    versions = []
    while True:
        versions.append(memory.version(now_s))
        match answer_5 if versions[-1] is NEW else answer_311:
            case "accepted" if memory.accepted():
                return versions
            case "refused" if not memory.refused(now_s):
                return versions
            case "closed" if not memory.unanswered(now_s):
                return versions


def test_a_broker_that_speaks_5_is_asked_once():
    assert asked("accepted", "accepted") == [NEW]


def test_a_broker_that_says_it_is_old_is_believed():
    assert asked("refused", "accepted") == [NEW, OLD]


def test_a_broker_that_closes_is_asked_with_5_again_after_it_took_the_other():
    assert asked("closed", "accepted") == [NEW, OLD, NEW, OLD]


def test_what_was_learned_is_kept_for_a_day():
    memory = ProtocolMemory()
    assert asked("refused", "accepted", memory=memory, now_s=5.0) == [NEW, OLD]
    assert asked("refused", "accepted", memory=memory, now_s=4.0 + ASK_AGAIN_S) == [OLD]
    assert asked("refused", "accepted", memory=memory, now_s=5.0 + ASK_AGAIN_S) == [NEW, OLD]
    assert asked("accepted", "accepted", memory=memory, now_s=5.0 + 2 * ASK_AGAIN_S) == [NEW]


def test_a_load_balancer_without_a_broker_proves_nothing():
    memory = ProtocolMemory()
    assert asked("closed", "closed", memory=memory) == [NEW, OLD]
    assert asked("accepted", "accepted", memory=memory) == [NEW]


def test_a_broker_that_starts_between_two_questions_is_spoken_to_with_5():
    memory = ProtocolMemory()
    assert memory.unanswered(0.0)  # with 5: nobody there
    assert memory.version(0.0) is OLD
    assert not memory.accepted()  # there it is
    assert memory.version(0.0) is NEW
    assert memory.accepted()
    assert memory.version(0.0) is NEW


def test_a_broker_that_refuses_both_is_not_asked_in_a_loop():
    memory = ProtocolMemory()
    assert asked("refused", "refused", memory=memory) == [NEW, OLD]
    assert asked("refused", "refused", memory=memory) == [NEW, OLD]


def test_nonsense_from_an_old_broker_begins_from_nothing():
    memory = ProtocolMemory()
    asked("refused", "accepted", memory=memory)
    memory.not_understood()
    assert memory.version(0.0) is NEW
