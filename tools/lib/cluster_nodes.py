"""A cluster: its nodes, and its dispatchers where the file asks for some, as processes in a network."""

import os
import pathlib
import shutil
import signal
import tempfile

import cluster_dispatch
import cluster_secrets
from cluster_transport import LISTEN, RELAY_PORTS, used
from cluster_process import ClusterError, Program, settings, until

TOPOLOGY = "topology.yaml"


def listening(program):
    """The settings of all ports of a program."""
    return {LISTEN.get(name, f"{name}.listen"): program.endpoint(name) for name in program.ports}


class Node(Program):
    def __init__(self, spec, network, binary, folder, common, more):
        super().__init__(spec, network, binary, folder)
        # Where the node keeps its last routes for a start without a dispatcher.
        self.routes = pathlib.Path(folder) / f"{spec.id}.routes"
        self.values = {
            "node.id": spec.id, "node.idc": spec.idc, "drain.timeout": "2s", **listening(self), **common,
            **spec.settings, **more}

    def relay(self, transport):
        """How another node dials it."""
        return ("" if transport == "tcp" else f"{transport}://") + self.endpoint(RELAY_PORTS[transport])

    @property
    def relays(self):
        return [self.relay(transport) for transport in self.spec.transports]

    def arguments(self, parents, dispatchers):
        """Asks the dispatchers for its parents where there are any. `parents` are addresses."""
        if dispatchers:
            asked = {
                "dispatch.servers": ",".join(each.place for each in dispatchers), "dispatch.cache": str(self.routes)}
        else:
            asked = {"relay.parents": ",".join(parents) or "off"}
        return ["serve", *settings({**asked, **self.values})]

    def streams(self):
        return (self.api("/api/v1/streams") or {}).get("streams", [])

    def links(self):
        return (self.api("/api/v1/links") or {}).get("links", [])


class Dispatcher(Program):
    def __init__(self, spec, network, binary, folder, common):
        super().__init__(spec, network, binary, folder)
        # The plain port has a default.
        self.values = {"node.id": spec.id, "dispatch.listen": "off", **listening(self), **common, **spec.settings}

    @property
    def place(self):
        """How a node dials it."""
        return f"tls://{self.endpoint('dispatch_tls')}" if self.spec.is_sealed else self.endpoint("dispatch")

    def arguments(self, topology):
        return ["dispatch", *settings({"dispatch.topology": str(topology), **self.values})]

    def connected(self):
        """The names of the nodes that have a connection to it."""
        nodes = (self.api("/api/v1/topology") or {}).get("nodes", [])
        return {node["id"] for node in nodes if node["connected"]}


class Cluster:
    def __init__(self, topology, network, binary, folder=None, more=()):
        if not os.access(binary, os.X_OK):
            raise ClusterError(f"no server at {binary}; build it (swift build -c release), or say --bin")
        self.topology = topology
        self.network = network
        self.is_scratch = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="sluice-cluster-")
        os.makedirs(self.folder, exist_ok=True)
        common = cluster_secrets.settings(used(topology), self.folder)
        more = dict(more)
        self.nodes = {spec.id: Node(spec, network, binary, self.folder, common, more) for spec in topology.nodes}
        self.dispatchers = {
            spec.id: Dispatcher(spec, network, binary, self.folder, common) for spec in topology.dispatchers}

    @property
    def programs(self):
        return [*self.dispatchers.values(), *self.nodes.values()]

    def start(self):
        self.network.set_up(self.topology)
        if self.dispatchers:
            (pathlib.Path(self.folder) / TOPOLOGY).write_text(cluster_dispatch.topology_file(self.topology))
        for node in self.nodes.values():
            # A folder that is used again may hold routes of another network.
            node.routes.unlink(missing_ok=True)
        for group in self.dispatchers, self.nodes:
            for program in group.values():
                self.launch(program)
            for program in group.values():
                self.await_ready(program)
        until(lambda: not self.unseen(), lambda: f"a dispatcher sees {', '.join(self.unseen())}")

    def launch(self, program):
        if isinstance(program, Dispatcher):
            return program.start(program.arguments(pathlib.Path(self.folder).resolve() / TOPOLOGY))
        specs = [self.topology.node(parent) for parent in program.spec.parents]
        parents = [self.nodes[spec.id].relay(self.topology.transport(spec, program.spec)) for spec in specs]
        program.start(program.arguments(parents, list(self.dispatchers.values())))

    def await_ready(self, program):
        until(lambda: not program.is_running or program.is_ready, f"{program.spec.id} is ready")
        if not program.is_running:
            raise ClusterError(f"{program.spec.id} does not start:\n{program.tail()}")

    def restart(self, program):
        self.launch(program)
        self.await_ready(program)

    def unseen(self):
        """Nodes that no running dispatcher has a connection to; none where no dispatcher runs."""
        running = [each for each in self.dispatchers.values() if each.is_running]
        if not running:
            return []
        seen = set().union(*(each.connected() for each in running))
        return [name for name in self.nodes if name not in seen]

    @property
    def redundancy(self):
        """From how many parents at once every node takes its streams."""
        return min(int(node.values.get("relay.redundancy", 1)) for node in self.nodes.values())

    def with_role(self, role):
        return [self.nodes[spec.id] for spec in self.topology.with_role(role)]

    def by_relay(self, endpoint):
        """The node that others dial there."""
        return next((node for node in self.nodes.values() if endpoint in node.relays), None)

    def table(self):
        return [
            {
                "node": node.spec.id, "idc": node.spec.idc, "roles": list(node.spec.roles),
                "parents": "dispatched" if self.dispatchers else node.spec.parents, "rtmp": node.url("rtmp"),
                "http": node.url("http"), "relay": ",".join(node.relays), "api": node.url("api"), "pid": node.pid,
                "log": str(node.log),
            }
            for node in self.nodes.values()
        ]

    def dispatcher_table(self):
        return [
            {
                "dispatcher": each.spec.id, "nodes": each.place, "api": each.url("api"),
                "pid": each.pid, "log": str(each.log),
            }
            for each in self.dispatchers.values()
        ]

    def stop(self, keep_logs=False):
        """Ends everything: politely, then not. Logs go with them, unless they have a folder of their own."""
        for program in reversed(self.programs):
            program.signal(signal.SIGCONT)
            # The second signal ends the drain.
            program.signal(signal.SIGTERM)
            program.signal(signal.SIGTERM)
        for program in self.programs:
            program.reap()
        self.network.close()
        if self.is_scratch and not keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)
