"""The base class of services."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import pytest

from selvage.service import Service


class Parent:
    def __init__(self):
        self.children = []

    def addService(self, service):
        self.children.append(service)

    def removeService(self, service):
        self.children.remove(service)
        return "removed"


def test_runs_between_start_and_stop():
    service = Service()
    assert not service.running
    service.privilegedStartService()
    service.startService()
    assert service.running
    assert service.stopService() is None
    assert not service.running


def test_has_one_parent_at_a_time():
    first, second, service = Parent(), Parent(), Service()
    service.setServiceParent(first)
    service.setServiceParent(second)
    assert (first.children, second.children, service.parent) == ([], [service], second)
    assert service.disownServiceParent() == "removed"
    assert (second.children, service.parent) == ([], None)


def test_is_renamed_only_without_a_parent():
    service = Service()
    service.setName("mail")
    service.setServiceParent(Parent())
    with pytest.raises(RuntimeError, match="cannot be renamed to 'post' while it has a parent"):
        service.setName("post")
    assert service.name == "mail"


def test_is_pickled_as_stopped():
    service = Service()
    service.setName("mail")
    service.startService()
    copy = pickle.loads(pickle.dumps(service))
    assert (copy.name, copy.running) == ("mail", 0)


PROGRAM = """
import json
from twisted.application.service import Application, IService, MultiService
from twisted.runner.procmon import ProcessMonitor

application = Application("supervised")
monitor = ProcessMonitor()
monitor.setServiceParent(application)
collection = monitor.parent
IService(application).startService()
running = bool(monitor.running)
stopped = IService(application).stopService()
print(json.dumps({
    "home": ProcessMonitor.__module__,
    "is a service": IService.providedBy(monitor),
    "parent": type(collection).__name__,
    "started": running,
    "stopped": not monitor.running and stopped.called,
}))
"""


@pytest.mark.needs_twisted
@pytest.mark.slow
def test_belongs_to_an_application_of_the_installed_twisted():
    pytest.importorskip("twisted", reason="Twisted is not installed")
    command = [sys.executable, "-m", "selvage", "twisted", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "home": "selvage.service",
        "is a service": True,
        "parent": "MultiService",
        "started": True,
        "stopped": True,
    }
