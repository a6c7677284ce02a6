"""What zsh is told of the command's options."""

from __future__ import annotations

import shlex
import sys
from types import ModuleType, SimpleNamespace

import pytest

from selvage.testing.trial import command, reporter
from selvage.testing.trial._usage import Options


@pytest.fixture(autouse=True)
def no_commands_of_twisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test has imported writes to a stream that is closed by now."""
    monkeypatch.delitem(sys.modules, "twisted.python.usage", raising=False)


def told(options: Options, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Return what `_arguments` of zsh is given, as a shell reads it."""
    with pytest.raises(SystemExit) as ended:
        options.parseOptions([*words, "--_shell-completion", "zsh:2"])
    assert ended.value.code == 0
    first, rest = capsys.readouterr().out.split("\n", 1)
    assert first.startswith("#compdef ")
    words_of_shell = shlex.split(rest.replace("\\\n", ""))
    assert words_of_shell[:4] == ["_arguments", "-s", "-A", "-*"]
    assert words_of_shell[-3:] == ["&&", "return", "0"]
    return words_of_shell[4:-3]


def test_each_option_is_offered_by_its_name_and_its_letter(capsys: pytest.CaptureFixture[str]) -> None:
    specs = told(command.Options(), capsys, "")
    assert specs[0] == '*:file | module | package | TestCase | testMethod (*.py):_files -g "*.py"'
    beginnings = {spec.partition("[")[0] for spec in specs[1:]}
    assert {
        "(--until-failure)-u",
        "(-u)--until-failure",
        "--coverage",
        "--junit-xml=",
        "(-j)--jobs=",
    } <= beginnings
    names = {option.name for option in command.Options()._options.values()}
    assert {
        spec.partition("--")[2].rstrip("=") for spec in beginnings if ")--" in spec or spec.startswith("--")
    } == names


def test_what_may_follow_an_option_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    actions = {
        spec.partition("[")[0]: spec.rpartition(":")[2]
        for spec in told(command.Options(), capsys, "-j", "2", "")
    }
    assert "timing" in actions["--reporter="] and actions["--reporter="].startswith("(verbose ")
    assert actions["(-o)--order="] == "(alphabetical toptobottom)"
    assert actions["(-z)--random="] == ""
    assert actions["--temp-directory="] == "_files"
    assert actions["--profile"].endswith("]")
    # Every reporter that is offered is one that is accepted.
    assert all(command.find_reporter(name) for name in actions["--reporter="].strip("()").split())
    assert command.find_reporter("verbose") is reporter.TreeReporter


def test_quotes_and_brackets_in_a_purpose_stay_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    class Own(Options):
        optFlags = [["flag", "f", "Don't [ever] use \\ this"]]

    assert "(-f)--flag[Don't \\[ever\\] use \\\\ this]" in told(Own(), capsys)


def test_nothing_is_said_to_another_shell(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.Options().parseOptions(["", "--_shell-completion", "fish:2"])
    assert capsys.readouterr().out == ""


def test_it_goes_where_the_commands_of_twisted_write(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    written: list[bytes] = []
    theirs = ModuleType("twisted.python.usage")
    file = SimpleNamespace(write=written.append)
    theirs.Options = type("Options", (), {"_shellCompFile": file})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "twisted.python.usage", theirs)
    with pytest.raises(SystemExit):
        command.Options().parseOptions(["--_shell-completion", "zsh:1"])
    assert written[0].startswith(b"#compdef ")
    assert capsysbinary.readouterr().out == b""
    monkeypatch.setattr(theirs.Options, "_shellCompFile", sys.stdout)
    with pytest.raises(SystemExit):
        command.Options().parseOptions(["--_shell-completion", "zsh:1"])
    assert capsysbinary.readouterr().out.startswith(b"#compdef ")
