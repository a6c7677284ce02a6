"""Compares what the wing offers with what Twisted offers; `python -m tests.twisted._wing_names` prints it as JSON.

Runs in a process of its own, since `install_twisted` decides once what `import twisted` means.
"""

from __future__ import annotations

import enum
import errno
import importlib
import inspect
import json
import re
import select
import sys
from pathlib import Path
from typing import Any

import selvage

SIGNATURES = Path(__file__).parent.parent / "data" / "twisted_signatures.json"

# Names that modules of Twisted show only since they import them; so are the numbers of errno and select.
IMPORTED = {"platformType"}
WING = Path(selvage.__file__).parent / "twisted"


def wing_modules() -> list[str]:
    """List the modules of the wing by their Twisted names."""
    found = []
    for path in sorted(WING.rglob("*.py")):
        parts = ["twisted", *path.relative_to(WING).with_suffix("").parts]
        found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


class Signature:
    """Parameter names, in a form in which Twisted's (as text) and ours (introspected) compare."""

    def __init__(self) -> None:
        self.positional: list[tuple[str, bool, bool]] = []  # name, has a default, positional only
        self.keywords: dict[str, bool] = {}  # name -> has a default
        self.star = self.stars = False

    @classmethod
    def from_text(cls, text: str) -> Signature:
        self = cls()
        after_star = False
        for part in filter(None, text.strip("()").split(", ")):
            if part.startswith("**"):
                self.stars = True
            elif part.startswith("*"):
                self.star, after_star = part != "*", True
            elif part == "/":
                self.positional = [(name, default, True) for name, default, _ in self.positional]
            elif after_star:
                self.keywords[part.rstrip("=")] = part.endswith("=")
            else:
                self.positional.append((part.rstrip("="), part.endswith("="), False))
        return self

    @classmethod
    def of(cls, ob: Any) -> Signature | None:
        try:
            parameters = inspect.signature(ob).parameters.values()
        except (TypeError, ValueError):
            return None
        self = cls()
        for each in parameters:
            default = each.default is not each.empty
            if each.kind is each.VAR_KEYWORD:
                self.stars = True
            elif each.kind is each.VAR_POSITIONAL:
                self.star = True
            elif each.kind is each.KEYWORD_ONLY:
                self.keywords[each.name] = default
            else:
                self.positional.append((each.name, default, each.kind is each.POSITIONAL_ONLY))
        return self


def differences(theirs: Signature, ours: Signature) -> list[str]:
    """Say which calls that Twisted's signature allows ours would refuse or misread."""
    if ours.star and ours.stars and not ours.positional:
        return []  # hands everything on
    found = []
    names = {name for name, _, _ in ours.positional}
    for place, (name, default, alone) in enumerate(theirs.positional):
        if place >= len(ours.positional):
            if not ours.star:
                found.append(f"lacks argument {name!r} at place {place}")
            continue
        our_name, our_default, our_alone = ours.positional[place]
        if name in {"self", "cls"} and place == 0:
            continue
        if our_name != name and not alone and not (our_alone and ours.stars):
            found.append(f"argument {place} is {our_name!r}, not {name!r}")
        elif our_alone and not alone and not ours.stars:
            found.append(f"argument {name!r} is positional only")
        if default and not our_default:
            found.append(f"argument {name!r} has no default")
    for name, default, _ in ours.positional[len(theirs.positional) :]:
        if not default and not theirs.star:
            found.append(f"wants one more argument, {name!r}")
    for name, default in theirs.keywords.items():
        if name not in ours.keywords and name not in names and not ours.stars:
            found.append(f"lacks keyword {name!r}")
        elif default and not ours.keywords.get(name, True):
            found.append(f"keyword {name!r} has no default")
    found += [
        f"wants keyword {name!r}"
        for name, d in ours.keywords.items()
        if not d and name not in theirs.keywords
    ]
    if theirs.star and not ours.star:
        found.append("takes no *args")
    if theirs.stars and not ours.stars:
        found.append("takes no **kwargs")
    return found


def compare(where: str, theirs: str, ours: Any) -> list[str]:
    """Compare one callable; `theirs` is its signature as text, `.` for what is no callable, `?` for unknown."""
    kind = re.match(r"class|static|", theirs)
    text = theirs[kind.end() if kind else 0 :]
    if not text.startswith("("):
        return []
    if not callable(ours) and not isinstance(ours, staticmethod | classmethod):
        return (
            [] if inspect.isdatadescriptor(ours) else [f"{where}: is no callable but {type(ours).__name__}"]
        )
    mine = Signature.of(ours)
    if mine is None:
        return []
    wanted = Signature.from_text(text)
    if kind and kind.group() == "class":
        wanted.positional = wanted.positional[1:]  # bound already
    return [f"{where}: {problem}" for problem in differences(wanted, mine)]


def compare_class(where: str, theirs: dict[str, str], ours: Any) -> list[str]:
    if theirs[""] == "interface":
        found = []
        for name, text in theirs.items():
            if name and name not in ours:
                found.append(f"{where}.{name}: missing")
            elif (
                name
                and text.startswith("(")
                and ours[name].getSignatureString() != _defaults_gone(ours[name], text)
            ):
                found.append(f"{where}.{name}: is {ours[name].getSignatureString()}, not {text}")
        return found
    called = not (isinstance(ours, type) and issubclass(ours, enum.Enum))  # nobody calls a set of constants
    found = compare(where, theirs[""], ours) if called else []
    for name, text in theirs.items():
        if not name:
            continue
        member = getattr(ours, name, ours)
        if member is ours:
            found.append(f"{where}.{name}: missing")
        else:
            found += compare(f"{where}.{name}", text, member)
    return found


def _defaults_gone(method: Any, text: str) -> str:
    """Return zope's signature text if the names agree, else `text`; the data does not keep defaults."""
    info, wanted = method.getSignatureInfo(), Signature.from_text(text)
    same = [(name, name in info["optional"]) for name in info["positional"]] == [
        (name, default) for name, default, _ in wanted.positional
    ]
    return method.getSignatureString() if same and bool(info["varargs"]) == wanted.star else text


def report() -> dict[str, list[str]]:
    """Return the differences of each module of the wing that Twisted has publicly."""
    selvage.install_twisted()
    data = json.loads(SIGNATURES.read_text(encoding="utf-8"))
    result = {}
    for name in wing_modules():
        # `twisted.internet.reactor` is an object of its own kind; its methods are tested as the Reactor's.
        if name not in data or name == "twisted.internet.reactor":
            continue
        module = importlib.import_module(name)
        found = []
        for public, theirs in data[name].items():
            if public in IMPORTED or any(hasattr(standard, public) for standard in (errno, select)):
                continue
            ours = getattr(module, public, module)
            if ours is module:
                found.append(f"{public}: missing")
            elif isinstance(theirs, dict):
                found += compare_class(public, theirs, ours)
            else:
                found += compare(public, theirs, ours)
        result[name] = found
    return result


if __name__ == "__main__":
    json.dump(report(), sys.stdout, indent=1)
