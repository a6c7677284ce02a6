import copy
import pickle

import pytest

from selvage.logger import InvalidLogLevelError, LogLevel, PredicateResult


def test_levels_are_named_ordered_and_shown_as_twisted_shows_them():
    names = [level.name for level in LogLevel.iterconstants()]
    assert names == ["debug", "info", "warn", "error", "critical"]
    assert sorted([LogLevel.error, LogLevel.debug, LogLevel.warn])[0] is LogLevel.debug
    assert LogLevel.debug < LogLevel.info <= LogLevel.info
    assert LogLevel.critical > LogLevel.error >= LogLevel.error
    assert repr(LogLevel.warn) == str(LogLevel.warn) == "<LogLevel=warn>"
    assert repr(PredicateResult.no) == "<PredicateResult=no>"


def test_levels_are_found_by_name():
    assert LogLevel.levelWithName("warn") is LogLevel.lookupByName("warn") is LogLevel.warn
    with pytest.raises(InvalidLogLevelError) as raised:
        LogLevel.levelWithName("loud")
    assert raised.value.level == "loud"
    with pytest.raises(ValueError):
        LogLevel.lookupByName("loud")


def test_levels_exist_once():
    assert pickle.loads(pickle.dumps(LogLevel.error)) is LogLevel.error
    assert copy.deepcopy(LogLevel.error) is LogLevel.error
    assert {LogLevel.error: 1}[LogLevel.error] == 1


def test_kinds_do_not_compare():
    with pytest.raises(TypeError):
        LogLevel.debug < PredicateResult.no
