from pathlib import Path

import pytest

from gateway.config import CONFIG_LIMIT_OCTETS, MAX_PORTS, MAX_SINKS, ConfigError, InvalidConfig, load, parse

PORT = '[[port]]\nglob = "/dev/ttyUSB*"\n'
SINK = '[[sink.mqtt]]\nurl = "mqtt://broker"\n'
PATH = Path("config.toml")


def refusal(text):
    """The one sentence with which the text is refused."""
    with pytest.raises(InvalidConfig) as caught:
        parse(text, PATH)
    assert len(caught.value.errors) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[gateway]\n\n" + PORT + "\n\nbaudrate = 9600\n",
            "config.toml:7: unknown key 'baudrate' in [[port]]; did you mean 'baud'?",
        ),
        (
            PORT + "[store]\nsync = true",
            (
                "config.toml:4: unknown key 'sync' in [store]; it takes "
                "group_commit_ms, max_mib, free_floor_mib, accept_mount"
            ),
        ),
        (
            PORT + '[store.full]\nevents = "oldest"',
            (
                "config.toml:4: events in [store.full] must be 'drop_oldest' or 'drop_newest' or 'thin', "
                "not the string 'oldest'"
            ),
        ),
        (
            PORT + '[store]\naccept_mount = ["fat"]',
            (
                "config.toml:4: accept_mount in [store] must be an array of 'mount_writeback', "
                "'mount_no_barrier', 'mount_volatile', 'mount_overlay', 'mount_network', 'mount_fat'"
            ),
        ),
        (PORT + "[sotre]\ngroup_commit_ms = 1", "config.toml:3: unknown key 'sotre'; did you mean 'store'?"),
        (
            PORT + SINK.replace("mqtt]", "mqqt]"),
            "config.toml:3: unknown key 'mqqt' in [sink]; did you mean 'mqtt'?",
        ),
        (
            PORT + "baud = 'fast'",
            "config.toml:3: baud in [[port]] must be an integer from 9600 to 4000000, not the string 'fast'",
        ),
        (
            PORT + "baud = true",
            "config.toml:3: baud in [[port]] must be an integer from 9600 to 4000000, not true",
        ),
        (
            PORT + "[store]\ngroup_commit_ms = 251",
            "config.toml:4: group_commit_ms in [store] must be an integer from 1 to 250, not 251",
        ),
        (
            PORT + "[store]\ngroup_commit_ms = 20.0",
            "config.toml:4: group_commit_ms in [store] must be an integer from 1 to 250, not 20.0",
        ),
        (
            PORT + "[clock]\nassume_synchronised = 1",
            "config.toml:4: assume_synchronised in [clock] must be true or false, not 1",
        ),
        (
            PORT + SINK + "unsynchronised = 'drop'",
            "config.toml:5: unsynchronised in [[sink.mqtt]] must be 'wait' or 'send', not the string 'drop'",
        ),
        (
            PORT + "[gateway]\nname = 'a/b'",
            "config.toml:4: name in [gateway] must be 1 to 64 of A-Z a-z 0-9 _ -, not the string 'a/b'",
        ),
        (
            PORT + "[gateway]\nstate_directory = []",
            "config.toml:4: state_directory in [gateway] must be a path, not an array",
        ),
        ("[[port]]\nbaud = 9600", "config.toml:1: [[port]] has no key 'glob', which it must have"),
        (
            PORT + "[[sink.mqtt]]",
            "config.toml:3: [[sink.mqtt]] has no key 'url', which it must have, or 'urls'",
        ),
        (
            PORT + SINK + "urls = ['mqtt://a']",
            "config.toml:5: [[sink.mqtt]] has both url and urls; write all into urls",
        ),
        (
            PORT + SINK + "[sink.mqtt.confirmation]\ntail_hours = 1",
            "config.toml:5: [sink.mqtt.confirmation] has no key 'consumers', which it must have",
        ),
        (
            PORT + SINK + "[sink.mqtt.confirmation]\nconsumers = ['a', 'a']",
            "config.toml:6: consumers in [sink.mqtt.confirmation] must not have the same name twice",
        ),
        (
            PORT + SINK + "[sink.mqtt.confirmation]\nconsumers = [1]",
            "config.toml:6: consumers in [sink.mqtt.confirmation] must be 1 to 64 of A-Z a-z 0-9 _ -, not 1",
        ),
        (
            PORT + SINK + "[sink.mqtt.confirmation]\nconsumers = ['a']\ntail_hour = 1",
            "config.toml:7: unknown key 'tail_hour' in [sink.mqtt.confirmation]; did you mean 'tail_hours'?",
        ),
        (
            PORT + SINK + "confirmation = true",
            "config.toml:5: [sink.mqtt.confirmation] must be one table, in single brackets",
        ),
        (
            PORT + "[[sink.mqtt]]\nurls = []",
            "config.toml:4: urls in [[sink.mqtt]] must be an array of 1 to 8 addresses, not 0 of them",
        ),
        (
            PORT + "[[sink.mqtt]]\nurls = ['mqtt://a', 'mqtt://a']",
            "config.toml:4: urls in [[sink.mqtt]] must not have the same address twice",
        ),
        (
            PORT + "[[sink.mqtt]]\nurls = ['mqtt://a', 'mqtts://b']",
            "config.toml:4: urls must all be mqtt:// or all mqtts://",
        ),
        ("", "config.toml: there is no [[port]]; add one with the glob of the nodes' ports"),
        (
            "[port]\nglob = '/dev/ttyUSB*'",
            "config.toml:1: [[port]] must stand in double brackets: there may be several",
        ),
        (PORT + "[[store]]", "config.toml:3: [store] must be one table, in single brackets"),
        (
            PORT + PORT,
            "config.toml:4: glob '/dev/ttyUSB*' in [[port]] is taken by an earlier [[port]]",
        ),
        (
            PORT + SINK + SINK,
            "config.toml:5: name 'mqtt' in [[sink.mqtt]] is taken by an earlier [[sink.mqtt]]",
        ),
        (
            PORT + SINK + "ca_file = 'ca.pem'",
            "config.toml:5: ca_file does nothing with mqtt://; the url must be mqtts://",
        ),
        (
            PORT + SINK + "password_file = 'x'",
            "config.toml:5: password_file in [[sink.mqtt]] needs the key user",
        ),
        (
            PORT + "baud 9600",
            "config.toml:3: is not valid TOML, column 6: expected '=' after a key in a key/value pair",
        ),
        (PORT + 'x = "', "config.toml:3: is not valid TOML, at the end of the file: unterminated string"),
        (PORT + "glob = 1\n", "config.toml:3: is not valid TOML, column 9: the key is already there"),
        (
            "[[port]]\nglob = /dev/ttyUSB0\n",
            "config.toml:2: is not valid TOML, column 8: invalid value; text must stand in quotes",
        ),
        (
            '[[port]]\nglob = "/dev/ttyUSB0\n',
            "config.toml:2: is not valid TOML, column 21: the text has no closing quote in its line",
        ),
        (
            PORT + "[store]\n[store]\n",
            "config.toml:4: is not valid TOML, column 7: [store] is already there",
        ),
    ],
)
def test_a_mistake_is_one_clear_sentence_with_its_line(text, sentence):
    assert refusal(text) == sentence


@pytest.mark.parametrize(
    "url",
    [
        "broker",
        "http://broker",
        "mqtt://",
        "mqtt://h:0",
        "mqtt://h:99999",
        "mqtt://h/p",
        "mqtt://h h",
        "mqtt://[1",
    ],
)
def test_a_url_that_is_no_brokers_is_refused(url):
    sentence = refusal(PORT + f'[[sink.mqtt]]\nurl = "{url}"')
    assert sentence.startswith(
        "config.toml:4: url in [[sink.mqtt]] must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"
    )


def test_a_secret_in_the_url_is_refused_and_not_shown():
    sentence = refusal(PORT + '[[sink.mqtt]]\nurl = "mqtt://me:hunter2@broker"')
    assert "password_file" in sentence
    assert "hunter2" not in sentence


def test_all_mistakes_are_reported_at_once_each_with_its_place():
    text = '[gateway]\nnam = "x"\n[[port]]\nbaud = 1\n[store]\ngroup_commit_ms = 0\n[loge]\n'
    with pytest.raises(InvalidConfig) as caught:
        parse(text, PATH)
    errors = caught.value.errors
    assert [(error.line, error.key) for error in errors] == [
        (2, "gateway.nam"),
        (3, "port.0"),
        (4, "port.0.baud"),
        (6, "store.group_commit_ms"),
        (7, "loge"),
    ]
    assert all(isinstance(error, ConfigError) and error.path == PATH for error in errors)
    assert str(caught.value) == "\n".join(str(error) for error in errors)


def test_windows_line_ends_do_not_shift_lines():
    assert refusal((PORT + "\n\nbaudrate = 1\n").replace("\n", "\r\n")).startswith("config.toml:5:")


@pytest.mark.parametrize(("limit", "table"), [(MAX_PORTS, "[[port]]"), (MAX_SINKS, "[[sink.mqtt]]")])
def test_the_number_of_tables_is_limited(limit, table):
    key = "glob = '/dev/tty{}'" if table == "[[port]]" else "url = 'mqtt://h'\nname = 'n{}'"
    tables = [f"{table}\n{key.format(number)}\n" for number in range(limit + 1)]
    start = "" if table == "[[port]]" else PORT
    parse(start + "".join(tables[:-1]), PATH)
    assert f"{table} may be there {limit} times, not {limit + 1}" in refusal(start + "".join(tables))


def test_a_file_that_is_too_long_is_refused_without_reading_it_all(tmp_path):
    with pytest.raises(InvalidConfig, match=f"longer than {CONFIG_LIMIT_OCTETS} octets"):
        load(Path("/dev/zero"))
    at_the_limit = tmp_path / "long.toml"
    at_the_limit.write_text(PORT + "#" * (CONFIG_LIMIT_OCTETS - len(PORT)), encoding="ascii")
    assert load(at_the_limit).ports
