"""Where the nodes and dispatchers of tools/cluster live: loopback addresses of this machine, or network namespaces.

Both give a node an address, wrap the command that starts it, and cut it off silently, so that nobody is told.
Neither outlives the tool: loopback addresses need no setting up, and the namespaces stand in an unnamed network and
mount namespace of the tool's own, which the kernel takes down with its last process, however that ends.
"""

import os
import shutil
import socket
import subprocess
import sys

from cluster_transport import DATAGRAM

PORTS = {
    "rtmp": 1935, "http": 8080, "api": 8081, "relay": 1937, "dispatch": 1938, "dispatch_tls": 1939, "relay_tls": 1940,
    "relay_srt": 1941}
# Blocks 127.0.K.0/24 that are tried.
BLOCKS = range(11, 100)
# Addresses for benchmarks between networks (RFC 2544): nobody routes them.
SUBNET = "198.18.7"
BRIDGE = "sluice0"
PREFIX = "sluice-"
# Where `ip netns` keeps its names.
LIST = "/run/netns"
ENTERED = "SLUICE_CLUSTER_NETWORK"
# tbf: what a link sends at once, and how long a packet may wait for its turn.
BURST, QUEUE = "256kb", "50ms"


class NetworkError(Exception):
    pass


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise NetworkError(f"{' '.join(command)}: {done.stdout.decode(errors='replace').strip()}")


def standard_ports(machine):
    return {name: PORTS[name] for name in machine.ports}


def quietly(*command):
    """For what need not be there."""
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def probe_of(name):
    return socket.socket(type=socket.SOCK_DGRAM if name in DATAGRAM else socket.SOCK_STREAM)


def is_free(address, name, port):
    with probe_of(name) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


class Loopback:
    """Machine i is 127.0.K.i, on the standard ports; on free ones where a program of this machine has those."""

    name = "loopback"

    def __init__(self, topology):
        self.places = {}
        self.is_cut = set()
        for block in BLOCKS:
            places = {
                machine.id: (f"127.0.{block}.{index}", standard_ports(machine))
                for index, machine in enumerate(topology.machines, 1)}
            if all(is_free(address, *port) for address, ports in places.values() for port in ports.items()):
                self.places = places
                return
        for index, machine in enumerate(topology.machines, 1):
            address = f"127.0.{BLOCKS[0]}.{index}"
            self.places[machine.id] = (address, free_ports(address, machine.ports))

    def set_up(self, topology):
        """Takes away what a drill that was killed may have left of these addresses."""
        if self.cannot_cut is None:
            for rule in (rule for name in self.places for rule in self.rules("-D", name)):
                quietly(*rule)

    def command(self, name, command):
        return command

    def place(self, name):
        return self.places[name]

    @property
    def cannot_cut(self):
        """Why a node cannot be cut off, or None when it can."""
        if shutil.which("iptables") and os.geteuid() == 0:
            return None
        return "needs --namespaces, or root and iptables"

    def rules(self, action, name):
        address = self.places[name][0]
        for side in "--source", "--destination":
            yield "iptables", action, "INPUT", side, address, "-j", "DROP"

    def cut(self, name):
        self.is_cut.add(name)
        for rule in self.rules("-I", name):
            run(*rule)

    def mend(self, name):
        for rule in self.rules("-D", name):
            run(*rule)
        self.is_cut.discard(name)

    def close(self):
        for name in list(self.is_cut):
            self.mend(name)


def free_ports(address, names):
    sockets = {name: probe_of(name) for name in names}
    try:
        for each in sockets.values():
            each.bind((address, 0))
        return {name: each.getsockname()[1] for name, each in sockets.items()}
    finally:
        for each in sockets.values():
            each.close()


class Namespaces:
    """A namespace for each, all with a veth to one bridge, limited by tbf in both directions."""

    name = "namespaces"
    cannot_cut = None
    is_hidden = False

    def __init__(self, topology):
        self.places = {
            machine.id: (f"{SUBNET}.{index}", standard_ports(machine))
            for index, machine in enumerate(topology.machines, 1)}
        self.links = {machine.id: f"veth{index}" for index, machine in enumerate(topology.machines, 1)}

    def set_up(self, topology):
        # Hidden from the machine's own list of namespaces.
        if not Namespaces.is_hidden:
            os.makedirs(LIST, exist_ok=True)
            run("mount", "-t", "tmpfs", "none", LIST)
            Namespaces.is_hidden = True
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{SUBNET}.254/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for machine in topology.machines:
            self.add(machine)

    def add(self, machine):
        space, link = PREFIX + machine.id, self.links[machine.id]
        run("ip", "netns", "add", space)
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "link", "set", link, "master", BRIDGE, "up")
        run("ip", "-n", space, "address", "add", f"{self.places[machine.id][0]}/24", "dev", "eth0")
        for device in "lo", "eth0":
            run("ip", "-n", space, "link", "set", device, "up")
        if machine.rate:
            limit = ("root", "tbf", "rate", machine.rate, "burst", BURST, "latency", QUEUE)
            run("tc", "qdisc", "add", "dev", link, *limit)
            run("tc", "-n", space, "qdisc", "add", "dev", "eth0", *limit)

    def command(self, name, command):
        return ["ip", "netns", "exec", PREFIX + name, *command]

    def place(self, name):
        return self.places[name]

    def cut(self, name):
        """The bridge's end goes down: the node keeps its address, and nothing arrives either way."""
        run("ip", "link", "set", self.links[name], "down")

    def mend(self, name):
        run("ip", "link", "set", self.links[name], "up")

    def close(self):
        """For a cluster that follows in the same network; the kernel does the rest."""
        for name, link in self.links.items():
            quietly("ip", "link", "delete", link)
            quietly("ip", "netns", "delete", PREFIX + name)
        quietly("ip", "link", "delete", BRIDGE)


def why_no_namespaces():
    """None when namespaces can be made here."""
    for program in "ip", "tc", "unshare":
        if not shutil.which(program):
            return f"'{program}' is missing; install iproute2 and util-linux"
    if os.geteuid() != 0:
        return "namespaces need root"
    probe = subprocess.run(
        ["unshare", "--net", "--mount", "ip", "link", "add", "sluice-probe", "type", "bridge"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return probe.stdout.decode(errors="replace").strip() or None if probe.returncode else None


def enter():
    """Starts this program anew in a network and mount namespace of its own; returns at once when it is there."""
    if os.environ.get(ENTERED):
        return
    if reason := why_no_namespaces():
        raise NetworkError(f"no network namespaces here: {reason}")
    os.environ[ENTERED] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv])
