"""Types of endpoint descriptions that come from other packages.  Floor 3.

A package offers a type by an entry point of the group `selvage.endpoints`, whose name is the type and whose object is a
parser (`IStreamServerEndpointStringParser`, `IStreamClientEndpointStringParserWithReactor`, or both):

    [project.entry-points."selvage.endpoints"]
    carrier-pigeon = "pigeons.endpoints:parser"

Only the package that is asked for is imported.  Where a Twisted is in the process, the packages that offer theirs by
Twisted's plugin system (modules in `twisted/plugins/`) are asked next.
"""

from __future__ import annotations

import sys
from typing import Any

from zope.interface import alsoProvides

from selvage._plugins import twisted_plugins

__all__ = ["GROUP", "ListedParser", "find_plugin"]

#: The group of entry points.
GROUP = "selvage.endpoints"


class ListedParser:
    """A parser that Twisted's plugin system lists, where there is one: `twisted/plugins/twisted_core.py` makes some."""

    def __init__(self) -> None:
        plugins = sys.modules.get("twisted.plugin")
        if plugins is not None:
            alsoProvides(self, plugins.IPlugin)


def find_plugin(interface: Any, kind: str) -> Any:
    """Return the parser that provides `interface` for the type `kind`, or None.

    Raises:
        ValueError: there is one that cannot be loaded.
    """
    # Imported when it is used: most descriptions are of a type that is at home here.
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=kind):
        try:
            parser = entry.load()
        except Exception as error:
            owner = "" if entry.dist is None else f" of {entry.dist.name}"
            raise ValueError(
                f"the plugin {entry.value!r}{owner} for endpoints of type {kind!r} cannot be loaded: "
                f"{type(error).__name__}: {error}"
            ) from error
        if interface.providedBy(parser):
            return parser
    plugins = twisted_plugins()
    if plugins is None:
        return None
    return next((plugin for plugin in plugins(interface) if plugin.prefix.lower() == kind.lower()), None)
