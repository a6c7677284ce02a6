"""Running somebody's program as `python` itself would run it, with the wing in place.  Beside the floors.

`python -m selvage twisted SCRIPT ARGS...`, `-m MODULE ARGS...`, `-c CODE ARGS...` and `-` (standard input) set
`sys.argv`, `sys.path[0]`, `__main__`, `__file__` and the exit status as the interpreter does.  A traceback that ends
the program starts at the program's own first line: Selvage's frames below it are cut off.

`selvage twistd`, `selvage trial` and `selvage twist` run Twisted's commands of those names in the same way.
"""

from __future__ import annotations

import io
import os
import pkgutil
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

from selvage._wing import install_twisted

__all__ = ["COMMANDS", "USAGE", "run_command", "run_twisted_program"]

#: Twisted's commands: the module and what in it is called without arguments, as its entry points say.
COMMANDS = {
    "trial": ("twisted.scripts.trial", "run"),
    "twist": ("twisted.application.twist._twist", "Twist.main"),
    "twistd": ("twisted.scripts.twistd", "run"),
}

USAGE = """\
usage: python -m selvage twisted SCRIPT [ARGS...]
       python -m selvage twisted -m MODULE [ARGS...]
       python -m selvage twisted -c CODE [ARGS...]

Run a Twisted program on Selvage, as `python` would run it: `import twisted` gives Selvage.
"""


def run_twisted_program(arguments: list[str]) -> None:
    """Install the wing, then run the program that `arguments` name and return when it ends.

    Args:
        arguments: what follows `python` on a command line that ran it unaided: ``["-m", "module", "arg"]``,
            ``["script.py", "arg"]``, ``["-c", "code"]``, ``["-"]``.

    Raises:
        SystemExit: the program's own, or status 2 when there is no such script.  Whatever the program raises comes out.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        sys.exit(0 if arguments else 2)
    first, rest = arguments[0], arguments[1:]
    if first in ("-m", "-c"):
        if not rest:
            _refuse(f"argument expected for the {first} option")
    elif first.startswith("-") and first != "-":
        _refuse(f"unknown option {first}")
    with _wing_in_place():
        if first == "-m":
            _run_module(rest[0], rest[1:])
        elif first == "-c":
            sys.argv[:] = ["-c", *rest[1:]]
            _set_path("")
            _execute(_compile(rest[0], "<string>"), _new_main())
        elif first == "-":
            sys.argv[:] = arguments
            _set_path("")
            _execute(_compile(sys.stdin.read(), "<stdin>"), _new_main())
        else:
            sys.argv[:] = arguments
            _run_path(first)


def run_command(name: str, arguments: list[str]) -> NoReturn:
    """Install the wing, then run one of Twisted's commands as its own script would.

    Args:
        name: one of `COMMANDS`; arguments: what follows it.

    Raises:
        SystemExit: as the command ends, or with status 1 when there is no Twisted that has it.
    """
    sys.argv[:] = [name, *arguments]
    with _wing_in_place():
        module, path = COMMANDS[name]
        try:
            function: Any = import_module(module)
        except ModuleNotFoundError as error:
            if error.name is not None:
                raise
            # No Twisted is installed, and the wing has said so.
            sys.exit(f"selvage {name}: {error}")
        for part in path.split("."):
            function = getattr(function, part)
        sys.exit(function())


@contextmanager
def _wing_in_place() -> Iterator[None]:
    """Have the program inside, and the Python programs that it starts, find Selvage where they import Twisted."""
    install_twisted()
    # For its children: the start-up hook of the installed package looks for this.
    os.environ["SELVAGE_TWISTED"] = "1"
    try:
        yield
    except SystemExit:
        raise
    except BaseException:
        _trim_final_traceback()
        raise


def _refuse(fault: str) -> NoReturn:
    print(f"selvage twisted: {fault}\n{USAGE}", end="", file=sys.stderr)
    sys.exit(2)


def _run_module(name: str, rest: list[str]) -> None:
    # As `python -m`: sys.argv[0] is "-m" while the module's packages are imported, then the module's file.
    sys.argv[:] = ["-m", *rest]
    _set_path(os.getcwd())
    _new_main()
    _run_module_as_main(name, True)


def _run_path(script: str) -> None:
    if not isinstance(pkgutil.get_importer(script), type(None)):
        # A folder or an archive with a __main__.py.
        _set_path(os.path.abspath(script))
        _new_main()
        _run_module_as_main("__main__", False)
        return
    path = os.path.abspath(script)
    try:
        code = _read_code(path)
    except OSError as error:
        print(
            f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        sys.exit(2)
    _set_path(os.path.dirname(os.path.realpath(script)))
    module = _new_main()
    module.__file__ = path
    module.__loader__ = SourceFileLoader("__main__", path)
    vars(module)["__cached__"] = None
    _execute(code, module)


def _run_module_as_main(name: str, alter_argv: bool) -> None:
    # What `python -m` itself calls; runpy's public functions put back the old __main__ before atexit handlers and
    # the threads the program has left behind are done with it.
    run: Any = runpy._run_module_as_main  # type: ignore[attr-defined]
    run(name, alter_argv)


def _read_code(path: str) -> CodeType:
    with io.open_code(path) as file:
        code: CodeType | None = pkgutil.read_code(file)
    if code is not None:
        return code
    with io.open_code(path) as file:
        return _compile(file.read(), path)


def _compile(source: str | bytes, filename: str) -> CodeType:
    return compile(source, filename, "exec", dont_inherit=True)


def _new_main() -> ModuleType:
    module = ModuleType("__main__")
    vars(module)["__builtins__"] = sys.modules["builtins"]
    vars(module)["__annotations__"] = {}
    sys.modules["__main__"] = module
    return module


def _execute(code: CodeType, module: ModuleType) -> None:
    exec(code, vars(module))


def _set_path(entry: str) -> None:
    # Under -P or -I Python put nothing first, so there is nothing to replace.
    if not sys.flags.safe_path:
        sys.path[0] = entry


def _trim_final_traceback() -> None:
    """Have the interpreter print the exception that is leaving the program without the frames of this module.

    The exception has to travel through our frames to reach the interpreter, which then calls `sys.excepthook`: so that
    is where they are cut off, by a hook around whichever one the program has left in place.
    """
    hook = sys.excepthook

    def excepthook(
        kind: type[BaseException], value: BaseException, traceback: TracebackType | None
    ) -> object:
        sys.excepthook = hook
        trimmed = traceback
        while trimmed is not None and not _is_last_of_ours(trimmed):
            trimmed = trimmed.tb_next
        trimmed = trimmed.tb_next if trimmed is not None else traceback
        return hook(kind, value.with_traceback(trimmed), trimmed)

    sys.excepthook = excepthook


def _is_last_of_ours(traceback: TracebackType) -> bool:
    after = traceback.tb_next
    return traceback.tb_frame.f_code.co_filename == __file__ and (
        after is None or after.tb_frame.f_code.co_filename != __file__
    )
