"""The demonstration that `selvage demo` runs: a real service, real clients, real failures. Floor 5.

`_services` holds the two protocols, `_scenes` the clients that drive them, `_story` what a person sees.
"""

from ._main import demo

__all__ = ["demo"]
