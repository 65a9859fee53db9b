"""Nodes and dispatchers that talk over TLS or SRT: streams come through unchanged, strangers do not come in."""

import pathlib
import subprocess
import unittest

import support
from capacity_test import assert_without_loss
from support import Dispatcher, Recorder, Server, ServerTest, kill, packets, sample, until

TOPOLOGY = """
idcs:
  - {id: local, latitude: 50, longitude: 8}
nodes:
  - {id: origin, idc: local, roles: [ingest, relay], capacity: {out: 1Gbit, in: 1Gbit, sessions: 100, cpu: 1}}
  - {id: edge, idc: local, roles: [edge], capacity: {out: 1Gbit, in: 1Gbit, sessions: 100, cpu: 1}}
"""

# The cheapest way to the edge is over the relay, by SRT; the other is straight from the origin, by TLS.
LINKS = """
idcs: [{id: here}, {id: half-way}, {id: far}]
nodes:
  - {id: origin, idc: here, roles: [ingest, relay], capacity: {out: 1Gbit, in: 1Gbit, sessions: 100, cpu: 1}}
  - {id: relay, idc: half-way, roles: relay, capacity: {out: 1Gbit, in: 1Gbit, sessions: 100, cpu: 1}}
  - {id: edge, idc: far, roles: edge, capacity: {out: 1Gbit, in: 1Gbit, sessions: 100, cpu: 1}}
links:
  - {from: here, to: half-way, capacity: 1Gbit, rtt: 10ms, transport: tcp}
classes:
  - {name: lossy, from: idc half-way, to: idc far, rtt: 10ms, capacity: 1Gbit, transport: srt}
  - {name: public, to: idc far, rtt: 300ms, capacity: 1Gbit, price_per_gb: 1, transport: tls}
"""


def authority(folder):
    """A throw-away authority with a certificate, as settings."""
    subprocess.run([support.ROOT / "tools/certificates", folder, "node"], check=True, stdout=subprocess.DEVNULL)
    return (
        f"tls.certificates={folder}/server.pem", f"tls.keys={folder}/server.key", f"tls.authorities={folder}/ca.pem")


class TransportsTest(ServerTest):
    settings = ()

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(support.SCRATCH.name)
        cls.ours, cls.others = authority(folder / "ours"), authority(folder / "others")
        cls.secret = folder / "secret"
        cls.secret.write_text("a secret of some length")
        cls.doors = (
            "relay.tls_listen=127.0.0.1:0", "relay.srt_listen=127.0.0.1:0", f"relay.secret_file={cls.secret}",
            "publish.linger=500ms")
        cls.server = Server((*cls.ours, *cls.doors), node="origin")
        cls.addClassCleanup(cls.server.stop)

    def parent(self, transport):
        [port] = self.ports(f"relay_{transport}")
        return f"{transport}://127.0.0.1:{port}"

    def ports(self, name):
        start = next(line for line in self.server.log.splitlines() if "node.start" in line)
        return [int(port) for port in start.split(f" {name}=[")[1].split("]")[0].split(", ")]

    def edge(self, *settings):
        server = Server((f"relay.secret_file={self.secret}", "publish.linger=500ms", *settings), node="edge")
        self.addCleanup(server.stop)
        return server

    def check(self, edge, name):
        original = sample()
        viewer = Recorder(self, edge.flv(name))
        edge.wait_viewers(1, name)
        self.publish(original, name).succeed()
        path = self.scratch(".flv")
        pathlib.Path(path).write_bytes(viewer.wait())
        for kind in "va":
            whole, part = packets(original, kind), packets(path, kind)
            self.assertGreater(len(part), 100)
            self.assertEqual(part, whole[-len(part):], kind)

    def test_a_stream_comes_over_tls(self):
        edge = self.edge(*self.ours, f"relay.parents={self.parent('tls')}")
        self.check(edge, "sealed")
        self.assertIn("parent=tls://", edge.log)

    def test_a_stream_comes_over_srt(self):
        edge = self.edge(f"relay.parents={self.parent('srt')}")
        self.check(edge, "far")
        self.assertIn("parent=srt://", edge.log)

    def test_a_node_of_another_authority_is_refused_on_both_sides(self):
        edge = self.edge(*self.others, f"relay.parents={self.parent('tls')}")
        Recorder(self, edge.flv("secret"))
        until(lambda: "certificate" in edge.log, "the stranger does not trust")
        until(lambda: "session.end" in self.server.log and "alert" in self.server.log, "the server is told why")

    def test_a_node_with_another_secret_does_not_come_in_over_srt(self):
        other = pathlib.Path(self.scratch())
        other.write_text("another secret of some length")
        edge = self.edge(f"relay.secret_file={other}", f"relay.parents={self.parent('srt')}")
        Recorder(self, edge.flv("secret"))
        until(lambda: "wrong passphrase" in edge.log, "the edge is told")
        until(lambda: "srt_wrong_passphrase" in self.server.errors(), "it is counted here")

    def test_what_is_missing_for_tls_is_named(self):
        done = subprocess.run(
            [support.BINARY, "serve", "--set", "relay.parents=tls://127.0.0.1:1"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("relay.parents: has no certificate to show; set tls.certificates and tls.keys", done.stderr)

    def test_a_dispatcher_is_reached_over_tls_and_sends_nodes_there_over_tls(self):
        dispatcher = Dispatcher(TOPOLOGY, self.ours)
        self.addCleanup(dispatcher.stop)
        common = (*self.ours, f"dispatch.servers=tls://127.0.0.1:{dispatcher.tls_port}", "relay.tls_listen=127.0.0.1:0")
        origin = Server((*common, "relay.listen=off", "publish.linger=500ms"), node="origin")
        self.addCleanup(origin.stop)
        edge = Server((*common, "relay.listen=off", "publish.linger=500ms"), node="edge")
        self.addCleanup(edge.stop)
        dispatcher.wait_connected(2)
        viewer = Recorder(self, edge.flv("steered"))
        edge.wait_viewers(1, "steered")
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-i", sample(), "-c", "copy", "-f", "flv",
            origin.rtmp("steered")).succeed()
        self.assertGreater(len(viewer.wait()), 100_000)
        self.assertIn("parent=tls://", edge.log)


class LinkTransportsTest(ServerTest):
    """A network whose topology says what each link talks over."""

    settings = ()

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(support.SCRATCH.name)
        cls.certificates = authority(folder / "links")
        cls.secret = folder / "links-secret"
        cls.secret.write_text("a secret of some length")

    def network(self, edge=(), relay=("relay.srt_listen=127.0.0.1:0",)):
        self.dispatcher = Dispatcher(LINKS, (*self.certificates, f"relay.secret_file={self.secret}"))
        self.addCleanup(self.dispatcher.stop)
        both = ("relay.srt_listen=127.0.0.1:0", "relay.tls_listen=127.0.0.1:0")
        self.server = self.node("origin", *both, *self.certificates)
        self.relay = self.node("relay", "relay.tls_listen=127.0.0.1:0", *self.certificates, *relay)
        self.edge = self.node("edge", *self.certificates, *edge)
        self.dispatcher.wait_connected(3)

    def node(self, name, *settings):
        server = Server(
            (f"dispatch.servers={self.dispatcher.address}", f"relay.secret_file={self.secret}", "publish.linger=2s",
             *settings), node=name)
        self.addCleanup(server.stop)
        return server

    def watch(self, name):
        """A viewer of a stream that goes on for as long as a busy machine needs for the rest of the test."""
        viewer = Recorder(self, self.edge.flv(name))
        self.edge.wait_viewers(1, name)
        publisher = self.publish(sample(seconds=8), name, "-stream_loop", "-1")
        until(lambda: len(viewer.data) > 50_000, "the viewer is served")
        return viewer, publisher

    def assert_whole(self, viewer, publisher):
        """It is served on, and nothing was missing before."""
        size = len(viewer.data)
        until(lambda: len(viewer.data) > size + 200_000, "the viewer is served on")
        publisher.stop()
        viewer.wait()
        assert_without_loss(self, viewer, sample(seconds=8))

    def parent(self, name):
        stream = self.edge.stream(name)
        return stream["publisher"]["address"] if stream and stream["publisher"] else ""

    def route(self, name, at="edge"):
        found = self.dispatcher.api(f"/api/v1/routes/live/{name}?at={at}")
        return {parent["node"]: parent for parent in found["parents"]}

    def transports(self, name):
        [found] = self.dispatcher.api(f"/api/v1/topology?stream=live/{name}")["streams"]
        return {place["node"]: place["transport"] for place in found["tree"]}

    def test_each_link_talks_over_its_own_and_a_dead_parent_is_replaced_over_another(self):
        cache = self.scratch()
        self.network(edge=(f"dispatch.cache={cache}",))
        viewer, publisher = self.watch("mixed")
        self.assertTrue(self.parent("mixed").startswith("srt://"))
        self.assertEqual(self.transports("mixed"), {"origin": "", "relay": "tcp", "edge": "srt"})
        route = self.route("mixed")
        self.assertEqual({node: each["transport"] for node, each in route.items()}, {"relay": "srt", "origin": "tls"})
        self.assertEqual(route["relay"]["transportWhy"], "srt, as the link half-way to far asks")
        self.assertEqual(route["relay"]["address"], self.parent("mixed"))
        self.assertTrue(route["origin"]["address"].startswith("tls://127.0.0.1:"))
        nodes = {node["id"]: node for node in self.dispatcher.api("/api/v1/topology")["nodes"]}
        self.assertEqual(len(nodes["origin"]["relays"]), 3)
        self.assertEqual(nodes["edge"]["dials"], ["tcp", "tls", "srt"])
        until(lambda: route["relay"]["address"] in pathlib.Path(cache).read_text(), "the way is kept for bad times")
        kill(self.relay.program)
        until(lambda: self.parent("mixed").startswith("tls://"), "the other parent has taken over")
        until(lambda: self.transports("mixed").get("edge") == "tls", "the dispatcher knows")
        self.assert_whole(viewer, publisher)

    def test_two_parents_at_once_may_be_reached_over_two_transports(self):
        self.network(edge=("relay.redundancy=2",))
        viewer, publisher = self.watch("twice")
        until(lambda: all(f"parent={each}://" in self.edge.log for each in ("srt", "tls")), "both deliver")
        kill(self.relay.program)
        self.assert_whole(viewer, publisher)

    def test_a_parent_without_the_wanted_transport_is_reached_over_another_and_that_is_told(self):
        self.network(relay=())
        viewer, publisher = self.watch("without")
        self.assertTrue(self.parent("without").startswith("tls://"))
        why = "tls: the link half-way to far asks for srt, which relay does not offer"
        self.assertEqual(self.route("without")["relay"]["transportWhy"], why)
        self.assertIn("dispatch.transport", self.dispatcher.log)
        self.assertIn(why, self.dispatcher.log)
        self.assert_whole(viewer, publisher)


if __name__ == "__main__":
    unittest.main()
