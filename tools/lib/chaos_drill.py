"""One drill: waits for health, breaks something at a random moment, mends it, and keeps what viewers noticed."""

import datetime
import os
import pathlib
import resource
import sys
import time

import chaos_report
from chaos_load import QUIET_MS, now
from cluster_nodes import ClusterError, until

# A fault lasts until viewers are served again, at least so long, and at most the second figure, in seconds.
FAULT_LASTS = (1.5, 6)
HEALTH_DEADLINE = 30
# The random part of the moment of a fault, in seconds: more than the time between two keyframes.
MOMENT = (0.2, 1.7)
STEERING_ROUNDS = 12


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine_cpu():
    """Processor seconds that the whole machine has used (proc(5)): all but idling and waiting."""
    fields = [int(each) for each in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


class Drill:
    def __init__(self, cluster, load, random):
        self.cluster = cluster
        self.load = load
        self.random = random
        self.turn = 0
        self.began = now()
        self.cpu = self.cpu_seconds()

    # The processor.

    def cpu_seconds(self):
        """Used up to now by the nodes, the load generator, this tool, and the whole machine."""
        tool, ended = (
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
        nodes = ended + sum(node.cpu() for node in self.cluster.nodes.values())
        return nodes, self.load.cpu(), tool, machine_cpu()

    def cpu_shares(self):
        """Of one processor since the drill began."""
        span = max(now() - self.began, 1e-9)
        nodes, load, tool, machine = ((after - before) / span for before, after in zip(self.cpu, self.cpu_seconds()))
        return {"nodes": nodes, "loadgen": load, "tool": tool, "others": max(0, machine - nodes - load - tool)}

    # Health.

    def is_served(self, edge):
        """Whether an edge has every stream."""
        live = {stream["name"] for stream in edge.streams() if stream["state"] == "live" and stream.get("publisher")}
        wanted = {name for at, name in map(self.load.seat, range(self.load.viewers)) if at is edge}
        return wanted <= live

    def await_health(self):
        since = now()
        self.load.check()

        def healthy():
            return (
                self.load.is_quiet(since) and all(node.is_ready for node in self.cluster.nodes.values())
                and all(map(self.is_served, self.load.edges)))

        until(healthy, lambda: f"the cluster is healthy again: {self.complaints()}", HEALTH_DEADLINE, 0.1)

    def complaints(self):
        """What keeps the cluster from being healthy."""
        found = [f"{node.spec.id} is not ready" for node in self.cluster.nodes.values() if not node.is_ready]
        found += [f"{edge.spec.id} has not every stream" for edge in self.load.edges if not self.is_served(edge)]
        if self.load.intervals:
            last = self.load.intervals[-1]
            found.append(
                f"{last['playing']} of {self.load.viewers} viewers play, {last['publishing']} of {self.load.streams} "
                f"encoders publish, the longest stall is {last['longest_stall_ms']} ms, {last['lost']} lost")
        return "; ".join(found)

    # Victims.

    def routes(self):
        """(node, stream) -> the node that it is pulled from."""
        found = {}
        for node in self.cluster.nodes.values():
            for stream in node.streams():
                publisher = stream.get("publisher") or {}
                if parent := self.cluster.by_relay(publisher.get("address")):
                    found[node.spec.id, stream["name"]] = parent
        return found

    def path(self, node, stream, routes):
        """The nodes that a stream comes through, from `node` to its ingest."""
        found = [node]
        while (node := routes.get((node.spec.id, stream))) and node not in found:
            found.append(node)
        return found

    def has_encoders(self, node):
        return any((stream.get("publisher") or {}).get("protocol") == "rtmp" for stream in node.streams())

    def choose(self, kind):
        nodes = self.cluster.nodes
        if kind == "turn":
            self.turn += 1
            return list(nodes.values())[(self.turn - 1) % len(nodes)]
        if kind == "ingest":
            return self.random.choice([node for node in nodes.values() if self.has_encoders(node)])
        free = [node for node in self.cluster.with_role("relay") if not self.has_encoders(node)]
        if not free:
            raise ClusterError("every relay has encoders: there is none to break; see --spare")
        self.steer(free)
        used = {
            parent.spec.id for (name, _), parent in self.routes().items()
            if self.cluster.nodes[name] in self.load.edges}
        if not (carrying := [node for node in free if node.spec.id in used]):
            raise ClusterError("no edge pulls from a relay without encoders: there is none to break")
        return self.random.choice(carrying)

    def steer(self, wanted):
        """Brings edges back to the relay that they would ask first, when it is among `wanted`: a node stays with the
        parent that it has. Ending the connection to a parent sends it to the next in its list."""
        for _ in range(STEERING_ROUNDS):
            wrong = set()
            for (edge, _), parent in self.routes().items():
                if self.cluster.nodes[edge] not in self.load.edges:
                    continue
                first = self.cluster.nodes[edge].spec.parents[0]
                if first != parent.spec.id and any(node.spec.id == first for node in wanted):
                    wrong.add((edge, parent.spec.id))
            if not wrong:
                return
            for edge, parent in wrong:
                self.end_link(self.cluster.nodes[edge], parent)
            self.await_health()
        say("  some edges did not go back to their first parent")

    def end_link(self, edge, parent):
        for session in (edge.api("/api/v1/sessions") or {}).get("sessions", []):
            if session.get("protocol") == "relay" and session.get("agent") == parent:
                edge.api(f"/api/v1/sessions/{session['id']}", "DELETE")

    # Faults.

    def strike(self, fault):
        """Once: the outcome."""
        self.await_health()
        victim = self.choose(fault.victim)
        self.await_health()
        time.sleep(self.random.uniform(*MOMENT))
        routes = self.routes()
        hung = {
            viewer for viewer in range(self.load.viewers) if victim in self.path(*self.load.seat(viewer), routes)}
        at = datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S.%f")[:-3] + "Z"
        start = now()
        fault.inject(self.cluster, victim)
        self.load.await_past(start + FAULT_LASTS[0])
        until(lambda: self.load.is_quiet(start) or now() > start + FAULT_LASTS[1], "the fault has lasted", 30)
        fault.restore(self.cluster, victim)
        self.await_health()
        healthy = now()
        self.load.await_past(healthy)
        return chaos_report.outcome(
            victim.spec.id, at, start, healthy, self.load.between(start, healthy), hung, QUIET_MS)
