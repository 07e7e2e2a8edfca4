"""Runs a program with all of pyarrow's memory served: python -m arrowpool [OPTIONS] SCRIPT|-m MODULE|-c CODE [ARGS]."""

import builtins
import importlib.machinery
import importlib.util
import io
import os
import runpy
import sys
import types
from typing import Any, NoReturn, Optional

from . import __version__, _library, install

_USAGE = "usage: python -m arrowpool [OPTIONS] SCRIPT|-m MODULE|-c CODE [ARGUMENTS]"


def _refuse(problem: str) -> NoReturn:
    sys.stderr.write(f"arrowpool: {problem}\n{_USAGE}; --help tells the options\n")
    sys.exit(2)


def _help() -> NoReturn:
    lines = [_USAGE, "", "Serves pyarrow's memory from arrowpool's pools, as `arrowpool run` does, without preloading:",
             "libc's functions are not rerouted. Options are those of `arrowpool run`; --pool is jemalloc by default.",
             "",
             "  -v, --verbose  as --log=info"]
    for name, values, text, preset in _library.options():
        bare = "; without =VALUE: the current directory" if name == "profile" else ""
        default = f"; default: {preset}" if preset and name != "pool" else ""
        lines += [f"  --{name.replace('_', '-')}=VALUE", f"      {text}", f"      VALUE: {values}{bare}{default}"]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.exit(0)


def _read(arguments: list[str]) -> "tuple[dict[str, Any], list[str]]":
    """The options, and what is to be run."""
    known = {name for name, *_rest in _library.options()}
    options: dict[str, Any] = {}
    left = list(arguments)
    while left and left[0].startswith("-") and left[0] not in ("-", "-m", "-c"):
        word = left.pop(0)
        if word == "--":
            break
        if word in ("-h", "--help"):
            _help()
        if word == "--version":
            sys.stdout.write(f"arrowpool {__version__}\n")
            sys.exit(0)
        name, equals, value = word[2:].partition("=")
        name = name.replace("-", "_")
        if word in ("-v", "--verbose"):
            options["log"] = "info"
        elif not word.startswith("--") or name not in known:
            _refuse(f"{word.partition('=')[0]}: unknown option")
        elif equals:
            options[name] = value
        elif name == "profile":
            options[name] = "."
        elif left:
            options[name] = left.pop(0)
        else:
            _refuse(f"{word}: a value is missing")
    return options, left


# ---- the program, as python runs it: in a module __main__ that stays to the end ----

def _run(code: types.CodeType, path: Optional[str], spec: Optional[importlib.machinery.ModuleSpec]) -> None:
    main = types.ModuleType("__main__")
    main.__dict__.update({"__builtins__": builtins, "__spec__": spec, "__loader__": spec.loader if spec else None})
    if spec:
        main.__package__ = spec.parent
    if path is not None:
        main.__file__ = path
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def _run_module(name: str) -> None:
    sys.path[0] = os.getcwd()
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except (ImportError, ValueError) as error:
        _refuse(f"-m {name}: {error}")
    code = getattr(spec.loader, "get_code", lambda _: None)(spec.name) if spec else None
    if spec is None or code is None:
        _refuse(f"-m {name}: no module of that name can be run")
    if spec.origin:
        sys.argv[0] = spec.origin
    _run(code, spec.origin, spec)


def _run_script(path: str) -> None:
    if os.path.isdir(path) or _is_archive(path):
        runpy.run_path(path, run_name="__main__")
        return
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        _refuse(f"{path}: {error.strerror}")
    _run(compile(source, path, "exec"), path, None)


def _is_archive(path: str) -> bool:
    import zipfile

    return zipfile.is_zipfile(path)


def main() -> None:
    options, program = _read(sys.argv[1:])
    if not program:
        _refuse("no program given")
    if program[0] in ("-m", "-c") and len(program) < 2:
        _refuse(f"{program[0]}: a value is missing")
    try:
        install(**options)
    except ValueError as error:
        name, colon, rest = str(error).partition(":")
        _refuse(f"--{name.replace('_', '-')}{colon}{rest}")
    if program[0] == "-m":
        sys.argv = program[1:]
        _run_module(program[1])
    elif program[0] == "-c":
        sys.argv = ["-c", *program[2:]]
        sys.path[0] = ""
        _run(compile(program[1], "<string>", "exec"), None, None)
    else:
        sys.argv = program
        _run_script(program[0])


main()
