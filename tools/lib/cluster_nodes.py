"""The nodes of a cluster as processes: started, asked, stopped, frozen, and never left behind.

Each node leads a process group of its own and is killed by the kernel when the tool dies, whatever it dies of.
"""

import ctypes
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
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


class Node:
    def __init__(self, spec, network, binary, folder, more):
        self.spec = spec
        self.network = network
        self.binary = binary
        self.address, self.ports = network.place(spec.id)
        self.log = pathlib.Path(folder) / f"{spec.id}.log"
        self.more = more
        self.process = None

    def endpoint(self, name):
        return f"{self.address}:{self.ports[name]}"

    def url(self, name, path=""):
        return f"{'rtmp' if name == 'rtmp' else 'http'}://{self.endpoint(name)}{path}"

    def arguments(self, parents):
        asked = ",".join(parent.endpoint("relay") for parent in parents) or "off"
        values = {
            "node.id": self.spec.id, "node.idc": self.spec.idc, "drain.timeout": "2s", "relay.parents": asked,
            **{f"{name}.listen": self.endpoint(name) for name in self.ports}, **self.spec.settings, **self.more}
        return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]

    def start(self, parents):
        command = self.network.command(self.spec.id, [self.binary, "serve", *self.arguments(parents)])
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

    def streams(self):
        return (self.api("/api/v1/streams") or {}).get("streams", [])

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
    """User and system time of a process (proc(5)); 0 when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cluster:
    def __init__(self, topology, network, binary, folder=None, more=()):
        if not os.access(binary, os.X_OK):
            raise ClusterError(f"no server at {binary}; build it (swift build -c release), or say --bin")
        self.topology = topology
        self.network = network
        self.is_scratch = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="sluice-cluster-")
        os.makedirs(self.folder, exist_ok=True)
        more = dict(more)
        self.nodes = {spec.id: Node(spec, network, binary, self.folder, more) for spec in topology.nodes}

    def start(self):
        self.network.set_up(self.topology)
        for node in self.nodes.values():
            self.launch(node)
        for node in self.nodes.values():
            self.await_ready(node)

    def launch(self, node):
        node.start([self.nodes[parent] for parent in node.spec.parents])

    def await_ready(self, node):
        until(lambda: not node.is_running or node.is_ready, f"{node.spec.id} is ready")
        if not node.is_running:
            raise ClusterError(f"{node.spec.id} does not start:\n{node.tail()}")

    def restart(self, node):
        self.launch(node)
        self.await_ready(node)

    @property
    def redundancy(self):
        """From how many parents at once every node takes its streams."""
        settings = [{**node.spec.settings, **node.more} for node in self.nodes.values()]
        return min(int(each.get("relay.redundancy", 1)) for each in settings)

    def with_role(self, role):
        return [self.nodes[spec.id] for spec in self.topology.with_role(role)]

    def by_relay(self, endpoint):
        """The node whose relay port that is."""
        return next((node for node in self.nodes.values() if node.endpoint("relay") == endpoint), None)

    def table(self):
        return [
            {
                "node": node.spec.id, "idc": node.spec.idc, "roles": list(node.spec.roles),
                "parents": node.spec.parents, "rtmp": node.url("rtmp"), "http": node.url("http"),
                "relay": node.endpoint("relay"), "api": node.url("api"), "pid": node.pid, "log": str(node.log),
            }
            for node in self.nodes.values()
        ]

    def stop(self, keep_logs=False):
        """Ends every node: politely, then not. Logs go with them, unless they have a folder of their own."""
        for node in self.nodes.values():
            node.signal(signal.SIGCONT)
            # The second signal ends the drain.
            node.signal(signal.SIGTERM)
            node.signal(signal.SIGTERM)
        for node in self.nodes.values():
            node.reap()
        self.network.close()
        if self.is_scratch and not keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)
