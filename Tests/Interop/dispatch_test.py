"""A network whose ways a dispatcher chooses: three IDCs, six nodes; and what goes on without it."""

import unittest

import support
from support import Dispatcher, Recorder, Server, ServerTest, kill, media, packets, sample, until

TOPOLOGY = """
idcs:
  - {id: fra, latitude: 50.1, longitude: 8.7}
  - {id: iad, latitude: 38.9, longitude: -77.4}
  - {id: nrt, latitude: 35.8, longitude: 140.4}
nodes:
""" + "".join(
    f"  - {{id: {idc}-{role}, idc: {idc}, roles: [{roles}], "
    "capacity: {out: 1Gbit, in: 1Gbit, sessions: 1000, cpu: 1}}\n"
    for idc in ("fra", "iad", "nrt") for role, roles in (("relay", "ingest, relay"), ("edge", "edge"))) + """
classes:
  - {name: world, rtt: great_circle, capacity: 10Gbit, price_per_gb: 0.05}
"""


class DispatchTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.dispatcher = Dispatcher(TOPOLOGY)
        cls.addClassCleanup(cls.dispatcher.stop)
        cls.nodes = {}
        for idc in "fra", "iad", "nrt":
            for role in "relay", "edge":
                name = f"{idc}-{role}"
                cls.nodes[name] = Server(
                    (f"dispatch.servers={cls.dispatcher.address}", "publish.linger=2s", f"node.idc={idc}"), node=name)
                cls.addClassCleanup(cls.nodes[name].stop)
        cls.server = cls.nodes["fra-relay"]
        cls.dispatcher.wait_connected(6)

    def start(self, name, at="fra-relay", *options):
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", *options, "-i", sample(seconds=8), "-c",
            "copy", "-f", "flv", self.nodes[at].rtmp(name))

    def assert_tail(self, data, at_least):
        path = self.scratch(".flv")
        with open(path, "wb") as file:
            file.write(data)
        for kind in "va":
            whole, part = packets(sample(seconds=8), kind), packets(path, kind)
            self.assertGreater(len(part), at_least, kind)
            self.assertEqual(part, whole[-len(part):], kind)

    def test_viewers_anywhere_are_served_along_a_tree_with_one_copy_a_link(self):
        viewers = [Recorder(self, self.nodes[f"{idc}-edge"].flv("tree")) for idc in ("fra", "iad", "nrt")]
        for idc in "fra", "iad", "nrt":
            self.nodes[f"{idc}-edge"].wait_viewers(1, "tree")
        publisher = self.start("tree")
        until(lambda: all(len(v.data) > 100_000 for v in viewers), "all are served")
        tree = until(
            lambda: len(t := self.dispatcher.tree("live/tree")) >= 5 and t, "the tree is known")
        self.assertEqual(tree["fra-relay"], "")
        for idc in "fra", "iad", "nrt":
            self.assertEqual(tree[f"{idc}-edge"], f"{idc}-relay")
        into = [node for node, parent in tree.items() if parent and node[:3] != parent[:3]]
        self.assertEqual(len(into), len({node[:3] for node in into}), "one copy enters each IDC")
        route = self.dispatcher.api("/api/v1/routes/live/tree?at=nrt-edge")
        self.assertEqual(route["parents"][0]["node"], "nrt-relay")
        self.assertTrue(route["why"])
        publisher.succeed()
        for viewer in viewers:
            self.assert_tail(viewer.wait(), 200)

    def test_viewers_follow_the_better_of_two_encoders_and_go_back_to_it_on_one_timeline(self):
        def source():
            return self.dispatcher.api("/api/v1/topology?stream=live/two")["streams"][0]["source"]

        def grows(viewer, what):
            size = len(viewer.data)
            until(lambda: len(viewer.data) > size + 60_000, what)
        loop = ("-stream_loop", "-1")
        self.start("two?priority=1", "iad-relay", *loop)
        viewer = Recorder(self, self.nodes["nrt-edge"].flv("two"))
        grows(viewer, "the first is seen")
        better = self.start("two?priority=5", "fra-relay", *loop)
        until(lambda: source() == "fra-relay", "the better one is followed")
        grows(viewer, "it is seen")
        kill(better)
        until(lambda: source() == "iad-relay", "the other takes over")
        grows(viewer, "the other is seen again")
        self.start("two?priority=5", "fra-relay", *loop)
        until(lambda: source() == "fra-relay", "the better one is back")
        grows(viewer, "and seen")
        self.assertFalse(viewer.program.is_over, "the viewer was never disconnected")
        times = [time for kind, time, _ in media(viewer.data) if kind == 9]
        self.assertEqual(times, sorted(times))
        refused = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "info", "-i", sample(), "-c", "copy", "-f", "flv",
            self.nodes["fra-relay"].rtmp("odd?priority=best"))
        self.assertNotEqual(refused.wait(), 0)
        self.assertIn("priority= takes a whole number", refused.output)

    def test_without_a_dispatcher_streams_go_on_and_new_viewers_are_served(self):
        viewer = Recorder(self, self.nodes["iad-edge"].flv("alone"))
        self.nodes["iad-edge"].wait_viewers(1, "alone")
        publisher = self.start("alone")
        until(lambda: len(viewer.data) > 100_000, "the viewer is served")
        kill(self.dispatcher.program)
        self.addCleanup(self.dispatcher.wait_connected, 6)
        self.addCleanup(self.dispatcher.start)
        late = Recorder(self, self.nodes["iad-edge"].flv("alone"))
        other = Recorder(self, self.nodes["nrt-edge"].flv("alone"))
        until(lambda: len(late.data) > 20_000 and len(other.data) > 20_000, "new viewers are served")
        publisher.succeed()
        self.assert_tail(viewer.wait(), 200)

    def test_a_dispatcher_that_comes_back_learns_what_there_is(self):
        viewer = Recorder(self, self.nodes["nrt-edge"].flv("back"))
        self.nodes["nrt-edge"].wait_viewers(1, "back")
        publisher = self.start("back")
        until(lambda: len(viewer.data) > 50_000, "the viewer is served")
        before = until(lambda: len(t := self.dispatcher.tree("live/back")) >= 3 and t, "the tree is known")
        kill(self.dispatcher.program)
        self.dispatcher.start()
        self.dispatcher.wait_connected(6)
        until(lambda: self.dispatcher.api("/api/v1/topology")["streams"], "streams are reported")
        until(lambda: self.dispatcher.tree("live/back") == before, "the tree is as it was")
        publisher.succeed()
        self.assert_tail(viewer.wait(), 200)

    def test_a_newer_publisher_elsewhere_takes_over_everywhere(self):
        viewer = Recorder(self, self.nodes["iad-edge"].flv("twice"))
        self.nodes["iad-edge"].wait_viewers(1, "twice")
        first = self.start("twice", "fra-relay", "-stream_loop", "5")
        until(lambda: len(viewer.data) > 100_000, "the viewer is served")
        second = self.start("twice", "nrt-relay")
        until(lambda: first.is_over, "the older publisher has been told")
        second.succeed()
        times = [time for kind, time, _ in media(viewer.wait()) if kind == 9]
        self.assertEqual(times, sorted(times))
        self.assertIn("fenced", self.nodes["fra-relay"].log)

    def test_clients_are_told_where_to_go(self):
        place = self.dispatcher.api("/api/v1/place?role=publisher&latitude=35&longitude=139")
        self.assertEqual(place["node"], "nrt-relay")
        self.assertEqual(place["rtmp"], f"127.0.0.1:{self.nodes['nrt-relay'].rtmp_port}")


if __name__ == "__main__":
    unittest.main()
