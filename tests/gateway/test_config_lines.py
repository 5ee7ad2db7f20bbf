import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.toml_lines import TomlLines

TEXT = '''\
# a comment with [brackets] and key = 1
[gateway]  # line 2
name = "not a # comment"
"quoted \\"key\\"" = 1
'literal' = 2

[[port]]
glob = """
[gateway]
name = 9
"""
baud = 1
[[port]]
list = [
  1, # one
  [2, 3],
  { x = "}" , y = 5 },
]
[port.extra]
deep.er = 4
[[ sink . "mqtt" ]]
url = 'm"q'
inline = { a = 1, b.c = { d = 2 }, e = [] }
date = 1979-05-27T07:32:00Z
[[sink.mqtt]]
url = 1
[[sink.mqtt.hosts]]
h = 1
[[sink.mqtt.hosts]]
h = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("gateway",), 2),
        (("gateway", "name"), 3),
        (("gateway", 'quoted "key"'), 4),
        (("gateway", "literal"), 5),
        (("port",), 7),
        (("port", 0), 7),
        (("port", 0, "glob"), 8),
        (("port", 0, "baud"), 12),
        (("port", 1), 13),
        (("port", 1, "list"), 14),
        (("port", 1, "list", 0), 15),
        (("port", 1, "list", 1, 1), 16),
        (("port", 1, "list", 2, "y"), 17),
        (("port", 1, "extra", "deep", "er"), 20),
        (("sink", "mqtt", 0), 21),
        (("sink", "mqtt", 0, "url"), 22),
        (("sink", "mqtt", 0, "inline", "b", "c", "d"), 23),
        (("sink", "mqtt", 0, "inline", "e"), 23),
        (("sink", "mqtt", 0, "date"), 24),
        (("sink", "mqtt", 1, "url"), 26),
        (("sink", "mqtt", 1, "hosts", 0, "h"), 28),
        (("sink", "mqtt", 1, "hosts", 1, "h"), 30),
    ],
)
def test_every_kind_of_key_is_found(path, line):
    tomllib.loads(TEXT)  # the text of this test is TOML
    assert TomlLines(TEXT).line_of(path) == line


def test_a_key_that_is_not_there_has_the_line_of_its_table():
    lines = TomlLines(TEXT)
    assert lines.line_of(("port", 1, "glob")) == 13
    assert lines.line_of(("sink", "mqtt", 0, "inline", "zzz")) == 23
    assert lines.line_of(("nowhere", "at", "all")) is None


@pytest.mark.parametrize(
    "value",
    [
        '"""a "quoted" ""b"""',
        '"""ends with quotes"""""',
        "'''ends with one'''' ",
        '"""\\"""\nname = 2\n"""',
        "'C:\\'",
        '""',
        "''",
        '"\\\\"',
        "inf",
        "0x_"[:2] + "ff",
        "[ [ ], [ [ ] ] , ]",
        "[\n#]\n]",
        "{}",
        '"a#b"',
    ],
)
def test_the_key_after_any_value_is_found(value):
    text = f"before = {value}\nafter = 1\n"
    assert set(tomllib.loads(text)) == {"before", "after"}
    assert TomlLines(text).line_of(("after",)) == text.count("\n")


@example('"\\1"')
@given(st.text(alphabet="ab=.[]{}\"'#\\\n ,1", max_size=60))
def test_any_text_at_all_ends_with_lines_that_exist(text):
    for path in (("a",), ("b", 0, "a"), ("a", "b")):
        line = TomlLines(text).line_of(path)
        assert line is None or 1 <= line <= text.count("\n") + 1
