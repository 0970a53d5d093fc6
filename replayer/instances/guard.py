"""Runs one command and lets nothing of it outlive the process that asked for it.

    guard.py GRACE_SECONDS LOG_BYTES command argument…

Standard input is a lifeline: when its other end is closed, on purpose or because its owner died in whatever way, the
command's process group gets SIGTERM, after the grace SIGKILL, and so does what left the group (on Linux, where
orphans come back to us). The same happens when the command ends by itself and leaves children behind. Standard
output is a seekable file that receives the command's output, of which at most the last LOG_BYTES are kept. The exit
status is the command's, 128 + n when signal n ended it, 127 when it could not be started.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.02


class Log:
    """The end of a command's output, in a file that others read meanwhile."""

    def __init__(self, descriptor: int, limit: int) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._size = 0

    def write(self, data: bytes) -> None:
        if self._size + len(data) > self._limit:
            kept = os.pread(self._descriptor, self._limit // 2, max(0, self._size - self._limit // 2))
            data = (kept + data)[-self._limit :]
            os.ftruncate(self._descriptor, 0)
            self._size = 0
        self._size += os.pwrite(self._descriptor, data, self._size)


def adopt_orphans() -> None:
    """Ask Linux to make us the parent of descendants whose parent ends; elsewhere there is no such thing."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return


def start(command: list[str], output: int) -> int:
    """Start the command in a process group of its own; its id is the group's."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def reap(command: int, status: int | None) -> tuple[int | None, bool]:
    """Collect what has ended: the command's exit status once it is known, and whether any descendant is left."""
    while True:
        try:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status, False
        if pid == 0:
            return status, True
        if pid == command:
            code = os.waitstatus_to_exitcode(wait_status)
            status = code if code >= 0 else 128 - code


def signal_all(command: int, number: int, asked: set[int]) -> None:
    """Signal the command's group, and the children of ours that are not in it; politely only once each."""
    if number == signal.SIGKILL or command not in asked:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(command, number)
    for pid in children():
        if number == signal.SIGKILL or pid not in asked:
            if not in_group(pid, command):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            asked.add(pid)
    asked.add(command)


def children() -> list[int]:
    """Our children, where the system tells: among them what was adopted."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as listed:
            return [int(pid) for pid in listed.read().split()]
    except (OSError, ValueError):
        return []


def in_group(pid: int, group: int) -> bool:
    """Whether a signal to the group reaches the process."""
    try:
        return os.getpgid(pid) == group
    except OSError:
        return False


def drain(source: int, log: Log) -> bool:
    """Move what there is into the log; False at its end."""
    while True:
        try:
            data = os.read(source, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        log.write(data)


def end(command: int, status: int | None, grace: float, source: int, log: Log) -> int:
    """End whatever is left, first politely; the command's exit status."""
    deadline = time.monotonic() + grace
    asked: set[int] = set()
    while True:
        # Again and again: when a parent ends, its children become ours.
        signal_all(command, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL, asked)
        drain(source, log)
        status, left = reap(command, status)
        if not left:
            return 0 if status is None else status
        time.sleep(POLL_SECONDS)


def main(arguments: list[str]) -> int:
    """Run the command that the arguments name; its exit status."""
    grace, limit, command = float(arguments[0]), int(arguments[1]), arguments[2:]
    adopt_orphans()
    # Handlers, since they do not outlive exec as "ignore" would: the command gets the defaults.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    source, output = os.pipe()
    os.set_blocking(source, False)
    log = Log(1, limit)
    pid = start(command, output)
    os.close(output)
    status: int | None = None
    waited = [0, wake_read, source]
    while status is None:
        ready, _, _ = select.select(waited, [], [])
        if source in ready and not drain(source, log):
            waited.remove(source)
        if wake_read in ready:
            os.read(wake_read, 4096)
        status, _ = reap(pid, status)
        if 0 in ready and not os.read(0, 4096):
            break
    status = end(pid, status, grace, source, log)
    drain(source, log)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
