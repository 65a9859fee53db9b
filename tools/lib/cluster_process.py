"""A program of a cluster as a process: started, asked, stopped, frozen, and never left behind.

Each leads a process group of its own and is killed by the kernel when the tool dies, whatever it dies of.
"""

import ctypes
import http.client
import json
import os
import pathlib
import signal
import subprocess
import time

START_DEADLINE = 20
STOP_DEADLINE = 5
API_TIMEOUT = 2
LOG_TAIL = 1500
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class ClusterError(Exception):
    pass


def until(condition, what, seconds=START_DEADLINE, pause=0.02):
    """The first true value of `condition`; an error that says what was waited for when it never comes. `what` may be
    a function, asked at the end."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise ClusterError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def launch(command, log):
    """A process that leads its own group, so that Ctrl-C at the terminal is this tool's alone."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        preexec_fn=die_with_parent)


def settings(values):
    """Settings as arguments of the server."""
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


class Program:
    """A server at an address of its own, with an API that tells whether it is ready."""

    def __init__(self, spec, network, binary, folder):
        self.spec = spec
        self.network = network
        self.binary = binary
        self.address, self.ports = network.place(spec.id)
        self.log = pathlib.Path(folder) / f"{spec.id}.log"
        self.process = None

    def endpoint(self, name):
        return f"{self.address}:{self.ports[name]}"

    def url(self, name, path=""):
        return f"{'rtmp' if name == 'rtmp' else 'http'}://{self.endpoint(name)}{path}"

    def start(self, arguments):
        command = self.network.command(self.spec.id, [self.binary, *arguments])
        with open(self.log, "ab") as log:
            self.process = launch(command, log)

    @property
    def pid(self):
        return self.process.pid if self.process else None

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def is_ready(self):
        return self.is_running and self.api("/readyz", raw=True) is not None

    def api(self, path, method="GET", raw=False):
        """The answer; None for any that is no success, and for none at all."""
        connection = http.client.HTTPConnection(self.address, self.ports["api"], timeout=API_TIMEOUT)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status >= 300:
                return None
            return body.decode() if raw or not body else json.loads(body)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def signal(self, number):
        """To the whole group: `ip netns exec` or a wrapper may stand before the server."""
        if self.is_running:
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.reap()

    def reap(self, seconds=STOP_DEADLINE):
        """Waits for the end, and makes it come."""
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def cpu(self):
        """Processor seconds of the running process; those of an ended one are counted with the tool's children."""
        return cpu_seconds(self.pid) if self.is_running else 0

    def tail(self):
        try:
            return self.log.read_text(errors="replace")[-LOG_TAIL:]
        except OSError:
            return ""


def cpu_seconds(pid):
    """Of all threads of a process, as the scheduler counts it: to the nanosecond, not by its ticks. 0 when it is gone."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(task.read_text().split()[0])
        except (OSError, IndexError):
            pass
    return total / 1e9
