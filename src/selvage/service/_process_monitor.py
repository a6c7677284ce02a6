"""Keeping programs running: started, logged, started again when they end, stopped by force if need be.  Floor 5."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selvage.defer import Deferred
from selvage.errors import ProcessExitedAlready
from selvage.interfaces import IDelayedCall
from selvage.logger import Logger
from selvage.reactor import get_reactor
from selvage.service._process_output import LoggingProtocol
from selvage.service._service import Service

__all__ = ["ProcessMonitor"]

_NO_VARIABLES: Mapping[Any, Any] = {}

# Existing programs pick the output of theirs from the log by this name.
_log = Logger(namespace="twisted.runner.procmon.ProcessMonitor")


@dataclass(frozen=True, slots=True)
class _Program:
    """How one program is run; arguments of `addProcess`."""

    args: Sequence[Any]
    uid: int | None
    gid: int | None
    env: Mapping[Any, Any] | None
    cwd: str | None

    def __str__(self) -> str:
        facts = {"uid": self.uid, "gid": self.gid, "cwd": self.cwd}
        given = ", ".join(f"{key}={value!r}" for key, value in facts.items() if value is not None)
        command = " ".join(map(str, self.args))
        return f"{command} ({given})" if given else command

    def toTuple(self) -> tuple[Any, ...]:
        """Return it as programs of old know it."""
        warnings.warn("toTuple of a monitored process is deprecated", DeprecationWarning, stacklevel=2)
        return (self.args, self.uid, self.gid, self.env)


class ProcessMonitor(Service):
    """Runs programs for as long as it runs itself, and starts each anew when it ends.

    A program that has run for `threshold` seconds is started again at once. One that ends sooner, or that cannot be
    started at all, waits: `minRestartDelay` seconds the first time, then twice as long each time up to
    `maxRestartDelay`. What the programs write is logged, a line an event, with the fields `tag` (the program's name),
    `stream` ("stdout" or "stderr") and `line`.

    Attributes:
        threshold: seconds after which a program counts as having run well.
        killTime: seconds between SIGTERM and SIGKILL for a program that is told to stop.
        minRestartDelay, maxRestartDelay: seconds, see above.
        protocols: by name the protocols of the programs that run now.
        timeStarted: by name when they were started, on the reactor's clock.
        delay: by name how long the next wait would be.
        murder: by name the timers of SIGKILLs; restart: of the programs that wait to be started.

    Twisted: `twisted.runner.procmon.ProcessMonitor`. There, `stopService` returns nothing, so that a reactor which stops
    leaves behind the programs that ignore SIGTERM; and a killed program whose own children hold its pipes is neither
    over nor started again.
    """

    threshold: float = 1
    killTime: float = 5
    minRestartDelay: float = 1
    maxRestartDelay: float = 3600

    # None: the ambient one, looked up when it is needed; so a monitor can be pickled.
    _reactor: Any = None
    # Fires when the last program has ended; there is one while the service stops.
    _all_ended: Deferred[None] | None = None

    def __init__(self, reactor: Any = None) -> None:
        self._reactor = reactor
        self._programs: dict[str, _Program] = {}
        self._forget_runs()

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        programs = "; ".join(f"{name}: {program}" for name, program in self._programs.items())
        return (
            f"<{type(self).__name__} {state}, {len(self.protocols)} of {len(self._programs)} run: {programs}>"
        )

    # --- What is to be run -------------------------------------------------------------------------------------

    def addProcess(
        self,
        name: str,
        args: Sequence[Any],
        uid: int | None = None,
        gid: int | None = None,
        env: Mapping[Any, Any] | None = _NO_VARIABLES,
        cwd: str | None = None,
    ) -> None:
        """Add a program; it is started at once if the monitor runs.

        Args:
            name: by which it is known here and in the log.
            args: its path and its arguments; it finds the path itself as its name.
            uid, gid: whose rights it has; None for ours.
            env: its environment; by default it has none. None hands ours on.
            cwd: its working directory; None for ours.

        Raises:
            KeyError: there is one of that name.
        """
        if name in self._programs:
            raise KeyError(f"{name!r} is monitored already; call removeProcess({name!r}) first")
        self._programs[name] = _Program(args, uid, gid, env, cwd)
        self.delay[name] = self.minRestartDelay
        if self.running:
            self.startProcess(name)

    def removeProcess(self, name: str) -> None:
        """Stop a program, and do not start it again.

        Raises:
            KeyError: there is none of that name.
        """
        self.stopProcess(name)
        self._cancel_restart(name)
        del self._programs[name]
        del self.delay[name]

    @property
    def log(self) -> Logger:
        """Where the programs' output and their troubles go; subclasses may have another."""
        return _log

    @property
    def processes(self) -> dict[str, tuple[Any, ...]]:
        """By name the tuples (arguments, uid, gid, environment); deprecated."""
        warnings.warn("ProcessMonitor.processes is deprecated", DeprecationWarning, stacklevel=2)
        return {name: program.toTuple() for name, program in self._programs.items()}

    # --- Starting and stopping ---------------------------------------------------------------------------------

    def startService(self) -> None:
        """Start all programs."""
        super().startService()
        for name in list(self._programs):
            self.startProcess(name)

    def stopService(self) -> Deferred[None]:
        """Stop all programs, those that ignore SIGTERM after `killTime` seconds by SIGKILL, and start none again.

        Fires with None when the last one has ended.
        """
        super().stopService()
        for name in list(self.restart):
            # They stay to be looked at.
            if self.restart[name].active():
                self.restart[name].cancel()
        # Also those that were removed and have not ended yet.
        for name in list(self.protocols):
            self._stop(name)
        done: Deferred[None] = Deferred()
        if not self.protocols:
            done.callback(None)
        elif self._all_ended is None:
            self._all_ended = done
        else:
            self._all_ended.chainDeferred(done)
        return done

    def restartAll(self) -> None:
        """Stop all programs, so that they are started again."""
        for name in self._programs:
            self.stopProcess(name)

    def startProcess(self, name: str) -> None:
        """Start a program, unless it runs.

        Raises:
            KeyError: there is none of that name.
        """
        program = self._known(name)
        if name in self.protocols:
            return
        self._cancel_restart(name)
        protocol = self.protocols[name] = LoggingProtocol()
        protocol.service = self
        protocol.name = name
        self.timeStarted[name] = self._clock.seconds()
        executable = program.args[0]
        try:
            self._clock.spawnProcess(
                protocol, executable, program.args, program.env, program.cwd, program.uid, program.gid
            )
        except OSError:
            self.log.failure("{executable!r} cannot be started", executable=executable, tag=name)
            self.connectionLost(name)
        except BaseException:
            del self.protocols[name]
            raise

    def stopProcess(self, name: str) -> None:
        """Have a program end: by SIGTERM, and `killTime` seconds later by SIGKILL.

        It is started again, as always when one ends, unless the monitor does not run or it is removed.

        Raises:
            KeyError: there is none of that name.
        """
        self._known(name)
        self._stop(name)

    # --- What becomes of them ----------------------------------------------------------------------------------

    def connectionLost(self, name: str) -> None:
        """Take notice that a program has ended; its protocol calls this."""
        killer = self.murder.pop(name, None)
        if killer is not None and killer.active():
            killer.cancel()
        self.protocols.pop(name)
        if self.running and name in self._programs:
            self.restart[name] = self._clock.callLater(self._next_wait(name), self.startProcess, name)
        elif name in self._programs:
            self._next_wait(name)
        if self._all_ended is not None and not self.protocols:
            done, self._all_ended = self._all_ended, None
            done.callback(None)

    def was_killed(self, protocol: LoggingProtocol) -> bool:
        """Tell whether a program was told to stop and has let `killTime` pass by."""
        killer = self.murder.get(protocol.name or "")
        return killer is not None and not killer.active()

    def __getstate__(self) -> dict[str, Any]:
        """Keep what is to be run; what runs cannot be pickled, nor can the reactor."""
        state = super().__getstate__()
        for key in ("_reactor", "_all_ended", "protocols", "timeStarted", "murder", "restart"):
            state.pop(key, None)
        # Under this name, too, those who look into the state of Twisted's monitor find it.
        state["processes"] = {
            name: (program.args, program.uid, program.gid, program.env)
            for name, program in self._programs.items()
        }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start from what is to be run, with nothing running."""
        state.pop("processes", None)
        self._forget_runs()
        vars(self).update(state)

    @property
    def _clock(self) -> Any:
        return get_reactor() if self._reactor is None else self._reactor

    def _forget_runs(self) -> None:
        self.protocols: dict[str, LoggingProtocol] = {}
        self.delay: dict[str, float] = {}
        self.timeStarted: dict[str, float] = {}
        self.murder: dict[str, IDelayedCall] = {}
        self.restart: dict[str, IDelayedCall] = {}

    def _known(self, name: str) -> _Program:
        if name not in self._programs:
            raise KeyError(f"no process {name!r} is monitored, only {', '.join(self._programs) or 'none'}")
        return self._programs[name]

    def _next_wait(self, name: str) -> float:
        """Return how long a program that has just ended is to wait, and say how long it would be the next time."""
        if self._clock.seconds() - self.timeStarted[name] >= self.threshold:
            self.delay[name] = self.minRestartDelay
            return 0
        wait = min(self.delay[name], self.maxRestartDelay)
        self.delay[name] = min(wait * 2, self.maxRestartDelay)
        return wait

    def _cancel_restart(self, name: str) -> None:
        timer = self.restart.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()

    def _stop(self, name: str) -> None:
        """Send SIGTERM and prepare SIGKILL, once; nothing when it does not run."""
        if name not in self.protocols or name in self.murder:
            return
        self.murder[name] = self._clock.callLater(self.killTime, self._kill, name)
        self._signal(name, "TERM")

    def _kill(self, name: str) -> None:
        self.log.warn("[{tag}] did not end within {seconds} s and is killed", tag=name, seconds=self.killTime)
        self._signal(name, "KILL")

    def _signal(self, name: str, signal: str) -> None:
        transport = self.protocols[name].transport
        try:
            transport.signalProcess(signal)
        except ProcessExitedAlready:
            # Only its own children are left, who hold its pipes.
            if signal == "KILL":
                transport.loseConnection()
