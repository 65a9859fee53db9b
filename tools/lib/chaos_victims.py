"""Whom a fault hits: which ways the streams take through a cluster, and which programs are worth breaking."""

from cluster_nodes import Dispatcher
from cluster_process import ClusterError

# Rounds of leading edges back that may go by without any progress.
STEERING_PATIENCE = 3
# The same for nodes with several parents, of which one is enough.
REDUNDANT_ROUNDS = 8


class Victims:
    def __init__(self, cluster, load, random, await_health, say):
        self.cluster = cluster
        self.load = load
        self.random = random
        self.await_health = await_health
        self.say = say
        self.turn = 0

    # The ways of the streams.

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

    def hung(self, victims):
        """The numbers of the viewers whose streams come through one of these; all, when a dispatcher is among them:
        nobody is to notice its fault, wherever they hang."""
        viewers = range(self.load.viewers)
        if any(isinstance(victim, Dispatcher) for victim in victims):
            return set(viewers)
        routes = self.routes()
        names = {victim.spec.id for victim in victims}
        fed = [edge for edge in self.load.edges if self.is_redundant and names & self.feeders(edge)]
        return {
            viewer for viewer in viewers
            if self.load.seat(viewer)[0] in fed
            or any(victim in self.path(*self.load.seat(viewer), routes) for victim in victims)}

    @property
    def is_redundant(self):
        """Whether nodes have several parents at once, of which their streams name but one."""
        return self.cluster.redundancy > 1

    def lead_back(self, relays):
        """With several parents at once: ends the connection to one of them at each edge whose own relay is among
        `relays` and is not one of them, until it is. Which of the relays edges get streams from."""
        used = set()
        for _ in range(REDUNDANT_ROUNDS):
            fed = {edge.spec.id: self.feeders(edge) for edge in self.load.edges}
            used = relays & set().union(*fed.values())
            astray = [edge for edge in self.load.edges if edge.spec.parents[0] in relays - fed[edge.spec.id]]
            if not astray:
                return used
            for edge in astray:
                if others := sorted(fed[edge.spec.id] - relays):
                    self.end_link(edge, self.random.choice(others))
            self.await_health()
        return used

    def feeders(self, node):
        """The names of all nodes that streams come from."""
        return {link["node"] for link in node.links() if link["streamsIn"]}

    def has_encoders(self, node):
        return any((stream.get("publisher") or {}).get("protocol") == "rtmp" for stream in node.streams())

    # The choice.

    def choose(self, kind):
        """The programs that a fault of this kind is to hit."""
        nodes, dispatchers = self.cluster.nodes, list(self.cluster.dispatchers.values())
        if kind == "dispatchers":
            return dispatchers
        if kind == "dispatcher":
            return [self.random.choice(dispatchers)]
        if kind == "turn":
            self.turn += 1
            programs = [*nodes.values(), *dispatchers]
            return [programs[(self.turn - 1) % len(programs)]]
        if kind == "ingest":
            return [self.random.choice([node for node in nodes.values() if self.has_encoders(node)])]
        return [self.choose_relay()]

    def choose_relay(self):
        """One that carries streams to edges and has no encoder."""
        free = [node for node in self.cluster.with_role("relay") if not self.has_encoders(node)]
        if not free:
            raise ClusterError("every relay has encoders: there is none to break; see --spare")
        if self.is_redundant:
            used = self.lead_back({node.spec.id for node in free})
        else:
            self.steer(free)
            used = {
                parent.spec.id for (name, _), parent in self.routes().items()
                if self.cluster.nodes[name] in self.load.edges}
        if not (carrying := [node for node in free if node.spec.id in used]):
            raise ClusterError("no edge pulls from a relay without encoders: there is none to break")
        return self.random.choice(carrying)

    def steer(self, wanted):
        """Brings edges back to the relay that is first for them by the map, when it is among `wanted`: a node stays
        with the parent that it has. Ending the connection to a parent sends it to the next in its list."""
        fewest, patience = None, STEERING_PATIENCE
        while astray := self.astray(wanted):
            if fewest is None or len(astray) < fewest:
                fewest, patience = len(astray), STEERING_PATIENCE
            elif (patience := patience - 1) == 0:
                return self.say(f"  {len(astray)} streams of edges do not come back to the relay of their data centre")
            for node, parent in {(name, parent) for name, _, parent in astray}:
                self.end_link(self.cluster.nodes[node], parent)
            self.await_health()

    def astray(self, wanted):
        """(node, stream, parent) where one of these relays is not the parent that it should be: of an edge whose
        first it is, or because it hangs below such an edge itself."""
        found = []
        relays = {node.spec.id for node in wanted}
        for (name, stream), parent in self.routes().items():
            node = self.cluster.nodes[name]
            first = node.spec.parents[0] if node in self.load.edges else None
            if first in relays and first != parent.spec.id:
                found.append((name, stream, parent.spec.id))
            elif name in relays and parent in self.load.edges:
                found.append((name, stream, parent.spec.id))
        return found

    def end_link(self, edge, parent):
        for session in (edge.api("/api/v1/sessions") or {}).get("sessions", []):
            if session.get("protocol") == "relay" and session.get("agent") == parent:
                edge.api(f"/api/v1/sessions/{session['id']}", "DELETE")
