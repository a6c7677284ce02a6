"""Which reactor is the ambient one, and how it is installed; in processes of their own, since it is once a process."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from selvage.reactor import Reactor, get_reactor
from selvage.reactor._install import install_function_for


def program(text, *options):
    done = subprocess.run(
        [sys.executable, "-X", "dev", *options, "-c", text], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


WING = "import selvage; selvage.install_twisted()\n"


def test_there_is_one_ambient_reactor():
    assert get_reactor() is get_reactor()
    assert isinstance(get_reactor(), Reactor)


def test_it_makes_no_loop_until_it_is_used():
    assert program(
        "import sys\n"
        "from selvage.reactor import get_reactor\n"
        "reactor = get_reactor()\n"
        "reactor.callLater(1, print)\n"
        "print(reactor._loop, 'uvloop' in sys.modules)\n"
    ) == ["None", "False"]


@pytest.mark.slow
def test_another_can_be_installed_once():
    assert program(
        "from selvage.reactor import Reactor, get_reactor, install_reactor\n"
        "from selvage.errors import ReactorAlreadyInstalledError\n"
        "mine = Reactor()\n"
        "install_reactor(mine)\n"
        "install_reactor(mine)\n"
        "print(get_reactor() is mine)\n"
        "try:\n    install_reactor(Reactor())\nexcept ReactorAlreadyInstalledError: print('refused')\n"
        "mine.callLater(0, mine.stop)\n"
        "mine.run()\n"
    ) == ["True", "refused"]


@pytest.mark.slow
def test_importing_twisteds_reactor_gives_ours():
    assert program(
        WING + "from twisted.internet import reactor\n"
        "import twisted.internet.reactor, sys\n"
        "from selvage.reactor import get_reactor\n"
        "print(reactor is get_reactor(), twisted.internet.reactor is reactor)\n"
        "print(sys.modules['twisted.internet.reactor'] is reactor)\n"
        "reactor.callLater(0, reactor.stop)\n"
        "reactor.run()\n"
    ) == ["True", "True", "True"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["epollreactor", "selectreactor", "pollreactor", "asyncioreactor", "default"]
)
def test_install_of_any_reactor_gives_ours_once(module):
    assert program(
        WING + f"from twisted.internet import {module} as module, error\n"
        "module.install()\n"
        "from twisted.internet import reactor\n"
        "from selvage.reactor import Reactor, get_reactor\n"
        "print(reactor is get_reactor(), type(reactor) is Reactor)\n"
        "try:\n    module.install()\nexcept error.ReactorAlreadyInstalledError: print('refused')\n"
    ) == ["True", "True", "refused"]


@pytest.mark.slow
def test_names_of_reactors_are_names_of_ours():
    assert program(
        WING + "from twisted.internet.epollreactor import EPollReactor as a\n"
        "from twisted.internet.selectreactor import SelectReactor as b\n"
        "from twisted.internet.pollreactor import PollReactor as c\n"
        "from twisted.internet.asyncioreactor import AsyncioSelectorReactor as d\n"
        "from selvage.reactor import Reactor\n"
        "print(a is b is c is d is Reactor)\n"
    ) == ["True"]


@pytest.mark.slow
def test_installing_on_a_loop():
    assert program(
        WING + "import asyncio\n"
        "from twisted.internet import asyncioreactor\n"
        "loop = asyncio.new_event_loop()\n"
        "asyncioreactor.install(loop)\n"
        "from twisted.internet import reactor\n"
        "print(reactor._asyncioEventloop is loop)\n"
        "loop.call_later(0.01, reactor.stop)\n"
        "reactor.run()\n"
        "print(loop.is_closed())\n"
        "loop.close()\n"
    ) == ["True", "False"]


@pytest.mark.slow
def test_what_asyncio_makes_after_install_belongs_to_the_reactor():
    assert program(
        WING + "import asyncio\n"
        "from twisted.internet import asyncioreactor\n"
        "asyncioreactor.install()\n"
        "from twisted.internet import reactor\n"
        "from twisted.internet.defer import Deferred\n"
        "async def main():\n"
        "    await asyncio.sleep(0.01)\n"
        "    print('done')\n"
        "loop = asyncio.get_event_loop_policy().get_event_loop()\n"
        "task = loop.create_task(main())\n"
        "Deferred.fromFuture(task).addBoth(lambda _: reactor.stop())\n"
        "reactor.run()\n"
    ) == ["done"]


@pytest.mark.slow
def test_what_a_test_puts_in_the_slot_is_the_ambient_reactor_meanwhile():
    assert program(
        WING + "import sys\n"
        "from twisted.internet import reactor\n"
        "from selvage.reactor import get_reactor, run\n"
        "sys.modules['twisted.internet.reactor'] = stand_in = object()\n"
        "print(get_reactor() is stand_in)\n"
        "print(run(lambda: 'run'))\n"
        "del sys.modules['twisted.internet.reactor']\n"
        "print(get_reactor() is reactor)\n"
    ) == ["True", "run", "True"]


@pytest.mark.slow
def test_an_installed_twisted_without_the_wing_is_none_of_our_business():
    assert program(
        "from twisted.internet import reactor\nfrom selvage.reactor import get_reactor\nprint(get_reactor() is reactor)\n"
    ) == ["False"]


@pytest.mark.parametrize(
    ("system", "module"),
    [
        ("Linux", "epollreactor"),
        ("MacOSX", "selectreactor"),
        ("Windows", "selectreactor"),
        ("Else", "pollreactor"),
    ],
)
def test_the_name_that_twisted_would_choose(system, module):
    platform = SimpleNamespace(
        **{f"is{name}": lambda name=name: name == system for name in ("Linux", "MacOSX", "Windows")}
    )
    install = install_function_for(platform)
    assert (install.__module__, install.__name__) == (f"twisted.internet.{module}", "install")
