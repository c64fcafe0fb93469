"""Runs one program as `python file.py` would, in an interpreter nothing else has used."""

import builtins
import errno
import importlib
import importlib.machinery
import os
import socket
import sys
import time
import traceback
import types

ROOT = "/project"
RUNTIME_FILES = ("<exec>", "<frozen ", "/lib/python", "blob:")
NO_NETWORK = "programs in the room have no network"
DEFAULT_HOOK = sys.excepthook


def prepare(pause):
    """What every program finds replaced. `pause` sleeps some seconds and can be woken by Stop."""
    time.sleep = _sleep_by(pause)
    _refuse_network()


def run(entry):
    """The exit code."""
    return _finish(_start(entry))


def rehearse(entry):
    """Goes through what every program goes through, so that the first one finds it compiled. Leaves nothing behind."""
    folder, arguments, paths, main = os.getcwd(), sys.argv, sys.path[:], sys.modules["__main__"]
    _start(entry)
    os.chdir(folder)
    sys.argv, sys.path[:], sys.modules["__main__"] = arguments, paths, main


def _start(entry):
    path = f"{ROOT}/{entry}"
    os.chdir(ROOT)
    sys.argv = [path]
    package, spec = _package_of(path)
    folders = _search_path(path, package)
    sys.path[:0] = folders
    for folder in folders:
        # Written a moment ago. importlib.invalidate_caches() would read the whole library's directory again: 50 ms.
        sys.path_importer_cache.pop(folder, None)
    try:
        return _execute(path, package, spec)
    except SystemExit as stop:
        return _exit_code(stop.code)
    except BaseException as error:
        _report(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1


def _execute(path, package, spec):
    main = types.ModuleType("__main__")
    main.__file__ = path
    main.__builtins__ = builtins
    main.__package__ = package
    main.__spec__ = spec
    sys.modules["__main__"] = main
    if package:
        importlib.import_module(package)
    with open(path, "rb") as file:
        source = file.read()
    exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)
    return 0


def _package_of(path):
    """A file inside a package runs as `python -m package.module` does, so its relative imports work."""
    folder, names = os.path.dirname(path), []
    while folder != ROOT and os.path.exists(f"{folder}/__init__.py"):
        names.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    if not names or not all(name.isidentifier() for name in names):
        return None, None
    package = ".".join(names)
    name = package if os.path.basename(path) == "__init__.py" else f"{package}.{os.path.basename(path)[:-3]}"
    return package, importlib.machinery.ModuleSpec(name, None, origin=path)


def _search_path(path, package):
    """The file's own folder first, then the folders above it and their `src`, where projects keep their packages."""
    folders = []
    folder = os.path.dirname(path)
    own = folder
    for _ in (package or "").split(".") if package else ():
        folder = os.path.dirname(folder)
    while True:
        folders.append(folder)
        if os.path.isdir(f"{folder}/src"):
            folders.append(f"{folder}/src")
        if folder == ROOT or not folder.startswith(ROOT):
            break
        folder = os.path.dirname(folder)
    return folders if own in folders else [*folders, own]


def _exit_code(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 255
    print(code, file=sys.stderr)
    return 1


def _finish(code):
    try:
        import atexit

        atexit._run_exitfuncs()
    except BaseException as error:
        _report(error)
        code = code or 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    return code


def _sleep_by(pause):
    """Sleeping in shared memory, so that Stop wakes it."""

    def sleep(seconds, /):
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        pause(seconds)

    return sleep


def _refuse_network():
    """At once and in words: the emulated sockets underneath would try for most of a minute."""

    def refuse(*_, **__):
        raise OSError(errno.ENETUNREACH, NO_NETWORK)

    socket.getaddrinfo = refuse
    socket.gethostbyname = refuse
    socket.socket.connect = refuse
    socket.socket.connect_ex = lambda *_: errno.ENETUNREACH


def _report(error):
    """A traceback of the person's own frames, and what to do about what can't work here."""
    try:
        if sys.excepthook is not DEFAULT_HOOK:
            sys.excepthook(type(error), error, error.__traceback__)
            return
        report = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
        _keep_own_frames(report)
        print("".join(report.format()), end="", file=sys.stderr)
        advice = _advice(error)
        if advice:
            print(advice, file=sys.stderr)
    except MemoryError:
        sys.stderr.write("MemoryError\n")


def _keep_own_frames(report):
    for related in (report.__cause__, report.__context__, *(report.exceptions or ())):
        if related is not None:
            _keep_own_frames(related)
    kept = [frame for frame in report.stack if not frame.filename.startswith(RUNTIME_FILES)]
    report.stack = traceback.StackSummary.from_list(kept)


def _advice(error):
    if isinstance(error, ModuleNotFoundError) and error.name:
        name = error.name.partition(".")[0]
        return (
            f"\n'{name}' is not here: Python in the browser has the standard library and the files of this room."
            f"\nA pure-Python package works when its source is in the room: import its folder '{name}' into the project."
        )
    return None
