"""Two dispatchers: whichever dies, comes back or has just begun, whoever asks finds every stream."""

import unittest

from support import Dispatcher, Recorder, Server, ServerTest, kill, sample, until

TOPOLOGY = """
idcs:
  - {id: fra, latitude: 50.1, longitude: 8.7}
  - {id: iad, latitude: 38.9, longitude: -77.4}
nodes:
""" + "".join(
    f"  - {{id: {name}, idc: {name[:3]}, roles: [{roles}], "
    "capacity: {out: 1Gbit, in: 1Gbit, sessions: 1000, cpu: 1}}\n"
    for name, roles in (
        ("fra-relay", "ingest, relay"), ("fra-edge", "edge"), ("iad-relay", "ingest, relay"), ("iad-edge", "edge"))) + """
classes:
  - {name: world, rtt: great_circle, capacity: 10Gbit, price_per_gb: 0.05}
"""


class DispatchersTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.dispatchers = [Dispatcher(TOPOLOGY), Dispatcher(TOPOLOGY)]
        for dispatcher in cls.dispatchers:
            cls.addClassCleanup(dispatcher.stop)
        cls.nodes = {name: cls.node(name) for name in ("fra-relay", "iad-relay", "iad-edge")}
        cls.server = cls.nodes["fra-relay"]
        for dispatcher in cls.dispatchers:
            dispatcher.wait_connected(3)

    @classmethod
    def node(cls, name):
        servers = ",".join(dispatcher.address for dispatcher in cls.dispatchers)
        node = Server((f"dispatch.servers={servers}", "threads=1", f"node.idc={name[:3]}"), node=name)
        cls.addClassCleanup(node.stop)
        return node

    def start(self, name):
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i",
            sample(seconds=8), "-c", "copy", "-f", "flv", self.server.rtmp(name))

    def assert_served(self, node, name):
        viewer = Recorder(self, node.flv(name))
        until(lambda: len(viewer.data) > 20_000, f"{node.node} serves {name}")

    def test_every_dispatcher_knows_the_whole_network(self):
        self.start("known")
        self.assert_served(self.nodes["iad-edge"], "known")
        until(lambda: len({frozenset(d.tree("live/known").items()) for d in self.dispatchers}) == 1, "both know the same tree")

    def test_a_node_that_starts_after_a_dispatcher_came_back_finds_every_stream(self):
        self.start("found")
        self.assert_served(self.nodes["iad-edge"], "found")
        for dispatcher in self.dispatchers:
            with self.subTest(which=dispatcher.port):
                kill(dispatcher.program)
                dispatcher.start()
                # Before anybody has told the one that is new.
                edge = self.node("fra-edge")
                self.addCleanup(edge.stop)
                self.assert_served(edge, "found")
                edge.stop()
                dispatcher.wait_connected(3)


if __name__ == "__main__":
    unittest.main()
