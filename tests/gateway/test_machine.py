from gateway.machine import NAME_DIGITS, machine_name


def test_the_name_of_a_machine_is_its_own_and_tells_nothing(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
    other.write_text("0123456789abcdef0123456789abcdee\n", encoding="ascii")
    assert machine_name(one) == machine_name(one) != machine_name(other)
    assert len(machine_name(one)) == NAME_DIGITS
    assert machine_name(one) not in one.read_text(encoding="ascii")


def test_a_machine_without_an_id_has_a_name(tmp_path):
    assert len(machine_name(tmp_path / "none")) == NAME_DIGITS
