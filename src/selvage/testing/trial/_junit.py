"""The results of a run as JUnit XML, which build servers read.  Beside the floors."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from selvage.failure import Failure

from ._results import TestResult, TestResultDecorator
from ._streams import SafeStream
from ._traces import formatted

__all__ = ["JUnitRecorder", "JUnitReporter"]

# Characters that XML 1.0 section 2.2 does not have.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml_text(text: Any) -> str:
    return _NOT_XML.sub(lambda found: f"\\x{ord(found.group()):02x}", str(text))


class _Suite:
    """The tests of a run, as elements."""

    def __init__(self) -> None:
        self._element = ElementTree.Element("testsuite", name="trial")
        self._started = time.monotonic()
        self._cases: dict[str, tuple[ElementTree.Element, float]] = {}

    def begin(self, test: Any) -> None:
        name = test.id()
        # What follows in brackets is of a part of a test or of a fixture, and may have points of its own.
        path, space, more = name.partition(" (")
        classname, _, method = path.rpartition(".")
        method += space + more
        case = ElementTree.SubElement(
            self._element, "testcase", classname=_xml_text(classname), name=_xml_text(method)
        )
        self._cases[name] = (case, time.monotonic())

    def end(self, test: Any) -> None:
        case, started = self._cases.pop(test.id())
        case.set("time", f"{time.monotonic() - started:.3f}")

    def add(self, test: Any, kind: str, message: Any, text: str = "", type: str = "") -> None:
        known = self._cases.get(test.id())
        if known is None:
            # Found when the test was over, or between tests.
            self.begin(test)
            self.add(test, kind, message, text, type)
            self.end(test)
            return
        attributes = {"message": _xml_text(message)}
        if type:
            attributes["type"] = type
        ElementTree.SubElement(known[0], kind, attributes).text = _xml_text(text) or None

    def add_failure(self, test: Any, kind: str, error: Any) -> None:
        if isinstance(error, tuple):
            error = Failure(error[1], error[0], error[2])
        if isinstance(error, Failure):
            name = f"{error.type.__module__}.{error.type.__qualname__}"
            self.add(test, kind, error.getErrorMessage(), formatted(error, "default"), name)
        else:
            self.add(test, kind, str(error).strip().rpartition("\n")[2], str(error))

    def text(self) -> str:
        element = self._element
        cases = element.findall("testcase")
        for attribute, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            element.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
        element.set("tests", str(len(cases)))
        element.set("time", f"{time.monotonic() - self._started:.3f}")
        whole = ElementTree.Element("testsuites")
        whole.append(element)
        ElementTree.indent(whole)
        return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(whole, "unicode") + "\n"


class JUnitRecorder(TestResultDecorator):
    """Passes all on to another reporter, and writes it as JUnit XML when the run is over.

    Args:
        original: the other reporter.
        write: called with the whole text.
    """

    def __init__(self, original: Any, write: Callable[[str], object]) -> None:
        super().__init__(original)
        self._write = write
        self._suite = _Suite()

    def startTest(self, test: Any) -> Any:
        self._suite.begin(test)
        return self._originalReporter.startTest(test)

    def stopTest(self, test: Any) -> Any:
        self._suite.end(test)
        return self._originalReporter.stopTest(test)

    def addError(self, test: Any, error: Any) -> Any:
        self._suite.add_failure(test, "error", error)
        return self._originalReporter.addError(test, error)

    def addFailure(self, test: Any, failure: Any) -> Any:
        self._suite.add_failure(test, "failure", failure)
        return self._originalReporter.addFailure(test, failure)

    def addSkip(self, test: Any, reason: Any) -> Any:
        self._suite.add(test, "skipped", reason)
        return self._originalReporter.addSkip(test, reason)

    def addExpectedFailure(self, test: Any, failure: Any, todo: Any = None) -> Any:
        # The format has no word for it: it is no failure, and it did not pass.
        self._suite.add(test, "skipped", f"todo: {getattr(todo, 'reason', todo)}")
        return self._originalReporter.addExpectedFailure(test, failure, todo)

    def done(self) -> Any:
        """Write it, then let the other reporter end."""
        self._write(self._suite.text())
        return self._originalReporter.done()


class JUnitReporter(JUnitRecorder):
    """Writes JUnit XML, and nothing else, when all tests are over.

    Args:
        stream: where to; the others are as of `Reporter`, and not looked at.
    """

    def __init__(
        self,
        stream: Any = sys.stdout,
        tbformat: str = "default",
        realtime: bool = False,
        publisher: Any = None,
    ) -> None:
        super().__init__(TestResult(), SafeStream(stream).write)
