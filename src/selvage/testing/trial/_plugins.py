"""Reporters by the names that a command line gives them.  Beside the floors.

Another package offers one by an entry point of the group `selvage.trial_reporters`, whose name is that of the reporter and
whose object is its class.  Where a Twisted is in the process, those of Twisted's plugin system are known, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from selvage._plugins import twisted_plugins

from . import itrial, reporter
from ._junit import JUnitReporter

__all__ = ["GROUP", "find_reporter", "reporters"]

#: The group of entry points.
GROUP = "selvage.trial_reporters"

_OWN: dict[str, tuple[str, Any]] = {
    "verbose": ("verbose color output (default reporter)", reporter.TreeReporter),
    "bwverbose": ("Colorless verbose output", reporter.VerboseTextReporter),
    "summary": ("minimal summary output", reporter.MinimalReporter),
    "text": ("terse text output", reporter.TextReporter),
    "timing": ("Timing output", reporter.TimingTextReporter),
    "subunit": ("subunit output", reporter.SubunitReporter),
    "junit": ("JUnit XML output", JUnitReporter),
}


def _plugins() -> Iterator[Any]:
    """Give what Twisted's plugin system lists, where that is in use."""
    plugins = twisted_plugins()
    for each in () if plugins is None else plugins(itrial.IReporter):
        if each.longOpt not in _OWN:
            yield each


def reporters() -> Iterator[tuple[str, str]]:
    """Give the names of all reporters, and what they write."""
    from importlib.metadata import entry_points

    for name, (purpose, _) in _OWN.items():
        yield name, purpose
    for entry in entry_points(group=GROUP):
        yield entry.name, f"{entry.value}"
    for plugin in _plugins():
        yield plugin.longOpt, plugin.description


def find_reporter(name: str) -> Any:
    """Return the class of the reporter of this name, or None."""
    from importlib.metadata import entry_points

    if name in _OWN:
        return _OWN[name][1]
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()
    for plugin in _plugins():
        if plugin.longOpt == name:
            return getattr(import_module(plugin.module), plugin.klass)
    return None
