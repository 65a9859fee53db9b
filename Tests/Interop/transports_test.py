"""Nodes and dispatchers that talk over TLS or SRT: streams come through unchanged, strangers do not come in."""

import pathlib
import subprocess
import unittest

import support
from support import Dispatcher, Recorder, Server, ServerTest, packets, sample, until

TOPOLOGY = """
idcs:
  - {id: local, latitude: 50, longitude: 8}
nodes:
  - {id: origin, idc: local, roles: [ingest, relay], capacity: {out: 1Gbit, in: 1Gbit, sessions: 100, cpu: 1}}
  - {id: edge, idc: local, roles: [edge], capacity: {out: 1Gbit, in: 1Gbit, sessions: 100, cpu: 1}}
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
        self.assertGreater(len(viewer.wait()), 300_000)
        self.assertIn("parent=tls://", edge.log)


if __name__ == "__main__":
    unittest.main()
