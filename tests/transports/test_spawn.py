"""How a child begins: arguments, descriptors, both ways to make it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, strategies as st

from selvage.transports._spawn import check_arguments, file_actions, list_open_fds

CLOSE, DUP2 = 0, 1


def carry_out(actions: list[tuple[int, ...]], state: dict[int, tuple[str, bool]]) -> dict[int, str]:
    """What the system does: returns which file each descriptor stands for after exec."""
    table = dict(state)
    for action in actions:
        if action[0] == CLOSE:
            del table[action[1]]
        else:
            source, target = action[1:]
            # Duplicating onto itself changes nothing, close-on-exec included.
            table[target] = table[source] if source == target else (table[source][0], False)
    return {number: file for number, (file, closes) in table.items() if not closes}


@given(st.data())
def test_file_actions_give_exactly_what_was_asked_for(data: st.DataObject) -> None:
    numbers = st.integers(0, 8)
    state = data.draw(st.dictionaries(numbers, st.booleans(), min_size=1))
    wanted = data.draw(st.dictionaries(numbers, st.sampled_from(sorted(state))))
    files = {number: (f"file {number}", closes) for number, closes in state.items()}
    actions = file_actions(list(state.items()), wanted, CLOSE, DUP2)
    assert carry_out(actions, files) == {child: f"file {ours}" for child, ours in wanted.items()}


def test_open_descriptors_are_found() -> None:
    reading, writing = os.pipe()
    try:
        assert {reading, writing} <= set(list_open_fds())
    finally:
        os.close(reading)
        os.close(writing)


def test_without_a_folder_of_descriptors_each_number_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selvage.transports._spawn._FD_FOLDERS", ("/nonexistent",))
    reading, writing = os.pipe()
    try:
        assert {reading, writing} <= set(list_open_fds())
    finally:
        os.close(reading)
        os.close(writing)
    assert reading not in list_open_fds()


def test_arguments_become_bytes() -> None:
    assert check_arguments("cat", ["cat", b"-n"], {"A": b"1", b"B": "2"}) == (
        [b"cat", b"-n"],
        {b"A": b"1", b"B": b"2"},
    )
    assert check_arguments("cat", (), None) == ([], dict(os.environb))


@pytest.mark.parametrize(
    ("executable", "args", "env", "words"),
    [
        (None, ["x"], {}, "executable of a child process must be bytes or str: None"),
        ("x", ["x", 3], {}, "argument of a child process must be bytes or str: 3"),
        ("x", ["x", "a\0b"], {}, "argument of a child process cannot have a NUL in it"),
        ("x", ["x"], {"A": None}, "value of 'A' of a child process must be bytes or str: None"),
        ("x", ["x"], {1: "a"}, "environment variable of a child process must be bytes or str: 1"),
        ("x", "ls -l", {}, r"takes a list of arguments, the program's name first: \['ls -l'\]"),
    ],
)
def test_what_the_system_cannot_take_is_refused(executable, args, env, words) -> None:
    with pytest.raises(TypeError, match=words):
        check_arguments(executable, args, env)
