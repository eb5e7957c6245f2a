"""Calls of file libraries in a process of their own, where a damaged file can crash nothing else.

The HDF5 library is written in C: a damaged file can make it crash, loop or ask for any amount of memory. The process
that runs it has limits of memory and CPU time, and ends alone. The caller gets one line, the next call a new process.
"""

from __future__ import annotations

import atexit
import importlib
import io
import os
import pickle
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO, Any

from selfseis.errors import InputError, one_line

_CPU_SECONDS = 8.0  # of one call, besides those in proportion to the file; valid headers take milliseconds
_WALL_SECONDS = 300.0  # for a library that waits and does not compute; a slow disk is faster
_MEMORY_BYTES = 1_500_000_000  # of one call, besides that in proportion to the file
_BYTES_PER_CPU_SECOND = 5e6
_PIPE_BYTES = 1 << 20
_ENDED = "the library that reads it crashed or ran out of time: the file is damaged"


class LibraryProcess:
    """A process that runs functions of selfseis on files; it starts at the first call and restarts after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()
        self._fatal: set[tuple[str, int]] = set()

    def call(self, function: str, path: str, *arguments: Any) -> Any:
        """Return ``function(path, *arguments)``, computed in the other process.

        Parameters
        ----------
        function : str
            ``module:name`` of a function of selfseis; its result must be plain values or arrays.
        path : str
            The file; its size limits memory and CPU time.
        *arguments
            Further plain arguments.

        Raises
        ------
        InputError
            If the function raised an error, or the process ended while it ran. The message is one line.
        """
        with self._lock:
            path = os.path.abspath(path)  # the other process may have another working folder
            state = (path, os.stat(path).st_mtime_ns)
            if state in self._fatal:
                raise InputError(_ENDED)
            try:
                done, result = self._answer((function, path, arguments))
            except (EOFError, BrokenPipeError, TimeoutError, pickle.UnpicklingError) as error:
                self.stop()
                self._fatal.add(state)
                raise InputError(_ENDED) from error
            except BaseException:  # an interrupted answer would be taken for that of the next call
                self.stop()
                raise
        if not done:
            raise InputError(result)
        return result

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _answer(self, request: Any) -> tuple[bool, Any]:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        _send(process.stdin, request)
        return _receive(process.stdout, time.monotonic() + _WALL_SECONDS)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.stop()
            # The folders of the packages come first, so that no file of the working folder is imported.
            source = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
            command = [sys.executable, "-c", source]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )
            self._owner = os.getpid()
        return self._process


LIBRARIES = LibraryProcess()
"""The process of this program; a forked copy of the program starts its own."""
atexit.register(LIBRARIES.stop)


def serve() -> None:
    """Answer the calls that arrive on the standard input, until it ends."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    calls = os.fdopen(os.dup(0), "rb", buffering=0)
    _widen(answers)
    while True:
        try:
            function, path, arguments = _receive(calls, None)
        except EOFError:
            return
        _send(answers, _outcome(function, path, arguments))


def _outcome(function: str, path: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    module, name = function.split(":")
    run = getattr(importlib.import_module(module), name)
    _limit(os.stat(path).st_size if os.path.exists(path) else 0)
    try:
        return True, run(path, *arguments)
    except MemoryError:
        return False, "it asks for more memory than a file of its size can fill: the file is damaged"
    except InputError as error:
        return False, one_line(error)
    except Exception as error:  # libraries may raise any exception
        return False, f"it is damaged, or of another format than it seems ({one_line(error)})"


def _limit(file_bytes: int) -> None:
    """Limit memory and CPU time of the next call; where the system has no such limits there are none."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime + _CPU_SECONDS + file_bytes / _BYTES_PER_CPU_SECOND
    _lower(resource.RLIMIT_CPU, int(seconds) + 1)
    _lower(resource.RLIMIT_DATA, _data_bytes() + _MEMORY_BYTES + 8 * file_bytes)


def _lower(kind: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _data_bytes() -> int:
    """Memory that counts towards the limit of the system, as Linux states it; elsewhere a usual value."""
    with suppress(OSError, ValueError, IndexError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmData"):
                return int(line.split()[1]) * 1024
    return 1_000_000_000


def _widen(stream: IO[bytes]) -> None:
    """Let more bytes into a pipe at once, which halves the time to hand over samples."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _send(stream: IO[bytes], content: Any) -> None:
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(content, protocol=5, buffer_callback=buffers.append)
    parts: list[Any] = [head, *(buffer.raw() for buffer in buffers)]
    sizes = [len(head), *(part.nbytes for part in parts[1:])]
    _write(stream, len(sizes).to_bytes(8, "little") + b"".join(size.to_bytes(8, "little") for size in sizes))
    for part in parts:
        _write(stream, part)


def _write(stream: IO[bytes], part: Any) -> None:
    view = memoryview(part).cast("B")
    while len(view):
        view = view[stream.write(view) :]


def _receive(stream: IO[bytes], deadline: float | None) -> Any:
    n_parts = int.from_bytes(_read(stream, 8, deadline), "little")
    sizes = [int.from_bytes(_read(stream, 8, deadline), "little") for _ in range(n_parts)]
    head, *buffers = (_read(stream, size, deadline) for size in sizes)
    return pickle.loads(head, buffers=buffers)  # from this program's own process, never from a file


def _read(stream: IO[bytes], size: int, deadline: float | None) -> bytearray:
    content = bytearray(size)
    view = memoryview(content)
    while len(view):
        if (
            deadline is not None
            and not select.select([stream], [], [], max(0.0, deadline - time.monotonic()))[0]
        ):
            raise TimeoutError
        assert isinstance(stream, io.RawIOBase)
        count = stream.readinto(view)
        if not count:
            raise EOFError
        view = view[count:]
    return content
