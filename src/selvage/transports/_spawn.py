"""How a child process begins.  Floor 2; POSIX.

Two ways, chosen by what is asked for:

* *spawn*: `posix_spawn`, where the system makes the child without copying this process.  No code of ours runs in the
  child, so threads are no danger; a program that cannot be executed is an `OSError` here, in the parent.
* *fork*: where the child has to change its working directory or its user first, which `posix_spawn` cannot.  What goes
  wrong in the child is told on its standard error, and it exits with status 1.

Either way the child has the descriptors that were asked for and no others, and no signal is ignored in it because it is
ignored here.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, NoReturn

__all__ = ["Child", "check_arguments", "file_actions", "fork", "list_open_fds", "spawn"]

# Any: type checkers know these by platform.
_os: Any = os
_signal: Any = signal

#: Where the system lists the descriptors of this process.
_FD_FOLDERS = ("/proc/self/fd", "/dev/fd")
#: Without such a folder descriptors up to here are looked at; few programs have more, and each costs a system call.
_HIGHEST_FD = 1024

_TRACEBACK_LIMIT = 4096  # octets; what surely fits into a pipe that nobody reads yet


class Child(NamedTuple):
    """What a child process is to be.

    Attributes:
        executable: path, or a name that is looked up on PATH.
        args: argument list, the program's own name first.
        env: its environment.
        descriptors: the child's descriptors: number in the child -> number here.
        path: working directory; None for ours.
        uid, gid: who it runs as; None for who we are.
        tty: path of the terminal that is to control it, which is then its descriptors 0, 1 and 2; None for none.
    """

    executable: bytes | str
    args: list[bytes]
    env: Mapping[Any, Any]
    descriptors: Mapping[int, int]
    path: bytes | str | None = None
    uid: int | None = None
    gid: int | None = None
    tty: str | None = None


def check_arguments(executable: Any, args: Any, env: Any) -> tuple[list[bytes], dict[bytes, bytes]]:
    """Return arguments and environment as the system takes them; our own environment for None.

    Raises:
        TypeError: one of them is neither bytes nor str, or has a NUL in it.
    """
    _as_bytes(executable, "executable")
    if isinstance(args, (bytes, str)):
        raise TypeError(
            f"spawnProcess takes a list of arguments, the program's name first: [{args!r}], not {args!r}"
        )
    arguments = [_as_bytes(argument, "argument") for argument in args]
    if env is None:
        return arguments, dict(os.environb)
    return arguments, {
        _as_bytes(key, "environment variable"): _as_bytes(value, f"value of {key!r}")
        for key, value in env.items()
    }


def _as_bytes(value: Any, what: str) -> bytes:
    try:
        octets = os.fsencode(value)
    except TypeError:
        raise TypeError(f"{what} of a child process must be bytes or str: {value!r}") from None
    if b"\0" in octets:
        raise TypeError(f"{what} of a child process cannot have a NUL in it: {value!r}")
    return octets


def list_open_fds() -> list[int]:
    """Return the numbers of this process's open descriptors; some may be closed by the time this returns."""
    for folder in _FD_FOLDERS:
        try:
            return [int(name) for name in os.listdir(folder)]
        except OSError:
            continue
    return [number for number in range(_HIGHEST_FD) if _is_open(number)]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def file_actions(
    state: Sequence[tuple[int, bool]], descriptors: Mapping[int, int], close: int, dup2: int
) -> list[tuple[int, ...]]:
    """Say how the child's descriptors come about, as `posix_spawn` wants it.

    Args:
        state: open descriptors here, and whether exec closes each.
        descriptors: number in the child -> number here.
        close, dup2: the words for closing one and for duplicating one.
    """
    closes_itself = dict(state)
    sources = dict(descriptors)
    taken = set(closes_itself) | set(sources) | set(sources.values())
    actions: list[tuple[int, ...]] = []
    moved: list[int] = []  # copies made on the way, closed at the end

    def copy(source: int) -> int:
        spare = next(number for number in range(len(taken) + 1) if number not in taken)
        taken.add(spare)
        moved.append(spare)
        actions.append((dup2, source, spare))
        return spare

    for target, source in sorted(descriptors.items()):
        source = sources[target]
        del sources[target]
        if source == target:
            if closes_itself.get(source):
                # exec would close it: a duplicate of a duplicate stays open.
                actions.append((dup2, copy(source), target))
            continue
        if target in sources.values():
            # Somebody further down the row wants what is about to be overwritten.
            spare = copy(target)
            sources = {child: spare if ours == target else ours for child, ours in sources.items()}
        actions.append((dup2, source, target))
    kept = set(descriptors)
    unwanted = [number for number, closes in state if not closes and number not in kept]
    actions += [(close, number) for number in [*moved, *unwanted] if number not in kept]
    return actions


def _descriptor_state() -> list[tuple[int, bool]]:
    state = []
    for number in list_open_fds():
        try:
            state.append((number, not os.get_inheritable(number)))
        except OSError:
            pass  # the one that listing them took
    return state


# Without the enumerations around it, which would take as long as starting a small program does (benchmarks: processes).
_handler_of = getattr(signal.getsignal, "__wrapped__", signal.getsignal)


@cache
def _signals() -> tuple[int, ...]:
    return tuple(int(number) for number in signal.valid_signals())


def _ignored_signals() -> list[int]:
    ignored = int(signal.SIG_IGN)
    return [number for number in _signals() if _handler_of(number) == ignored]


def can_spawn(child: Child) -> bool:
    """Tell whether `posix_spawn` will do."""
    return child.path is None and child.uid is None and child.gid is None and hasattr(os, "posix_spawnp")


def spawn(child: Child) -> int:
    """Start a child that needs no more than `posix_spawn` can do; returns its number.

    Raises:
        OSError: the program cannot be executed, or the system is out of something.
    """
    close, dup2 = _os.POSIX_SPAWN_CLOSE, _os.POSIX_SPAWN_DUP2
    if child.tty is None:
        actions: list[tuple[Any, ...]] = [*file_actions(_descriptor_state(), child.descriptors, close, dup2)]
    else:
        # Whoever opens a terminal as the leader of a new session is controlled by it.
        state = [(number, closes) for number, closes in _descriptor_state() if number > 2]
        actions = [(_os.POSIX_SPAWN_OPEN, 0, child.tty, os.O_RDWR, 0), (dup2, 0, 1), (dup2, 0, 2)]
        actions += file_actions(state, {}, close, dup2)
    session = {} if child.tty is None else {"setsid": True}
    try:
        pid = _os.posix_spawnp(
            child.executable,
            child.args,
            child.env,
            file_actions=actions,
            setsigdef=_ignored_signals(),
            **session,
        )
    except OSError as error:
        raise OSError(error.errno, error.strerror, child.executable) from None
    return int(pid)


def fork(child: Child) -> int:
    """Start a child that sets itself up before it becomes another program; returns its number.

    Raises:
        OSError: the system is out of something.
    """
    identity = _identity(child.uid, child.gid)
    ignored = _ignored_signals()
    with warnings.catch_warnings():
        # Python 3.12 warns where there are threads: the child might need a lock that one of them held. It does
        # nothing here but system calls, as the warning asks for.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = _os.fork()
    if pid == 0:
        _become(child, identity, ignored)
    return int(pid)


class _Identity(NamedTuple):
    uid: int | None
    gid: int | None
    groups: list[int]


def _identity(uid: int | None, gid: int | None) -> _Identity | None:
    """Find out, before the fork, what the child has to say to become somebody else."""
    if uid is None and gid is None:
        return None
    import pwd

    groups = [] if gid is None else [gid]
    if uid is not None:
        try:
            user: Any = pwd.getpwuid(uid)
        except KeyError:
            pass  # a number without a name belongs to no further groups
        else:
            gid_for_groups = user.pw_gid if gid is None else gid
            groups = _os.getgrouplist(user.pw_name, gid_for_groups)
    return _Identity(uid, gid, groups)


def _become(child: Child, identity: _Identity | None, ignored: list[int]) -> NoReturn:
    """In the child: set up and turn into the program, or say why not and exit."""
    try:
        try:
            _set_up_descriptors(child)
            sys.settrace(None)
            for number in ignored:
                signal.signal(number, signal.SIG_DFL)
            if child.path is not None:
                os.chdir(child.path)
            if identity is not None:
                _switch(identity)
            os.execvpe(child.executable, child.args, child.env)
        except BaseException:
            _explain(child)
    finally:
        os._exit(1)


def _set_up_descriptors(child: Child) -> None:
    if child.tty is not None:
        _os.setsid()
        terminal = os.open(child.tty, os.O_RDWR)
        _take_control(terminal)
        descriptors: Mapping[int, int] = {0: terminal, 1: terminal, 2: terminal}
    else:
        descriptors = child.descriptors
    for action in file_actions(_descriptor_state(), descriptors, 0, 1):
        if len(action) == 2:
            try:
                os.close(action[1])
            except OSError:
                pass
        else:
            os.dup2(action[1], action[2], inheritable=True)


def _take_control(terminal: int) -> None:
    """Let a terminal control this process where opening it did not suffice."""
    import fcntl
    import termios

    try:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise


def _switch(identity: _Identity) -> None:
    """Become another user: groups first, since after that there is no right to change them."""
    if os.getuid() == 0 and os.geteuid() != 0:
        os.seteuid(0)
    if identity.groups and os.geteuid() == 0:
        os.setgroups(identity.groups)
    if identity.gid is not None:
        os.setgid(identity.gid)
    if identity.uid is not None:
        os.setuid(identity.uid)


def _explain(child: Child) -> None:
    import traceback

    where = "" if child.path is None else f" in {os.fsdecode(child.path)}"
    text = f"Upon execvpe {os.fsdecode(child.executable)!r} {list(map(os.fsdecode, child.args))!r}{where}\n:"
    text += traceback.format_exc()
    os.write(2, text.encode("utf-8", "backslashreplace")[-_TRACEBACK_LIMIT:])
