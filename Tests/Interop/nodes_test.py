"""Streams that travel over several nodes, and what viewers notice when one of these dies: nothing."""

import signal
import unittest

import support
from support import Recorder, Server, ServerTest, kill, media, packets, sample, until


# For streams whose next encoder may be slow to start.
PATIENT = ("publish.linger=60s",)


def encoder(url):
    return (
        "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-i", sample(), "-c", "copy", "-f", "flv",
        url)


class NodesTest(ServerTest):
    """`server` is where encoders push; each test starts the other nodes that it needs."""

    settings = ("publish.linger=500ms",)

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.settings, node="origin")
        cls.addClassCleanup(cls.server.stop)

    def node(self, name, *parents, settings=()):
        asked = ",".join(parent.relay for parent in parents) or "off"
        server = Server((f"relay.parents={asked}", "publish.linger=2s", *settings), node=name)
        self.addCleanup(server.stop)
        self.addCleanup(self.show_log_on_failure, server)
        return server

    def show_log_on_failure(self, server):
        outcome = self._outcome.result
        if outcome.failures or outcome.errors:
            print(f"\n--- the log of {server.node}\n{server.log[-4000:]}")

    def end_of(self, viewer, node, name):
        """What the viewer has when the stream is ended where it comes from."""
        node.api(f"/api/v1/streams/live/{name}", "DELETE")
        return viewer.wait()

    def assert_tail(self, original, data, at_least=20):
        """What a viewer recorded is the end of what was published, without a hole and without a repetition."""
        path = self.scratch(".flv")
        with open(path, "wb") as file:
            file.write(data)
        for kind in "va":
            whole, part = packets(original, kind), packets(path, kind)
            self.assertGreater(len(part), at_least, kind)
            self.assertEqual(part, whole[-len(part):], kind)

    def test_a_viewer_two_nodes_away_receives_every_packet(self):
        relay = self.node("relay", self.server)
        edge = self.node("edge", relay)
        original = sample()
        viewers = [Recorder(self, edge.flv("chain")), self.record(edge.rtmp("chain"))]
        edge.wait_viewers(2, "chain")
        self.publish(original, "chain").succeed()
        self.assert_tail(original, viewers[0].wait(), 100)
        viewers[1].succeed()
        self.assert_tail(original, open(viewers[1].path, "rb").read(), 100)

    def test_a_relay_that_is_killed_costs_no_frame(self):
        self.check_failover(lambda relay: kill(relay.program))

    def test_a_relay_that_freezes_costs_no_frame(self):
        self.check_failover(lambda relay: relay.program.signal(signal.SIGSTOP))

    def test_a_relay_that_drains_costs_no_frame(self):
        self.check_failover(lambda relay: relay.program.signal(signal.SIGTERM))

    def test_with_two_parents_at_once_a_freeze_is_no_pause(self):
        edge = self.check_failover(lambda relay: relay.program.signal(signal.SIGSTOP), "apps.live.relay.redundancy=2")
        upstream = edge.stream("failover")["upstream"] if edge.stream("failover") else None
        self.assertTrue(upstream is None or upstream["framesLost"] == 0)

    def check_failover(self, fault, *settings):
        relays = [self.node("relay-a", self.server), self.node("relay-b", self.server)]
        edge = self.node("edge", *relays, settings=settings)
        name = "failover"
        original = sample(seconds=8)
        viewer = Recorder(self, edge.flv(name))
        edge.wait_viewers(1, name)
        publisher = self.publish(original, name)
        until(lambda: len(viewer.data) > 100_000, "the viewer is served")
        parent = edge.stream(name)["publisher"]["address"]
        active = next(relay for relay in relays if relay.relay == parent)
        fault(active)
        until(lambda: edge.stream(name)["publisher"]["address"] != parent, "the edge has another parent")
        publisher.succeed()
        self.assert_tail(original, viewer.wait(), 200)
        return edge

    def test_the_stream_of_a_new_encoder_goes_on_at_the_edge(self):
        origin = self.node("origin-again", settings=PATIENT)
        edge = self.node("edge", origin, settings=PATIENT)
        viewer = Recorder(self, edge.flv("again"))
        edge.wait_viewers(1, "again")
        for _ in range(2):
            self.program(*encoder(origin.rtmp("again"))).succeed()
            until(lambda: origin.stream("again")["state"] == "lingering", "all of the encoder's frames are in")
        data = self.end_of(viewer, origin, "again")
        times = [time for kind, time, _ in media(data) if kind == 9]
        self.assertEqual(len(times), 240)
        self.assertEqual(times, sorted(times))

    def test_an_ingest_node_that_dies_costs_what_its_encoder_costs(self):
        ingests = [self.node("ingest-a"), self.node("ingest-b", settings=PATIENT)]
        relay = self.node("relay", *ingests, settings=PATIENT)
        edge = self.node("edge", relay, settings=PATIENT)
        viewer = Recorder(self, edge.flv("moving"))
        edge.wait_viewers(1, "moving")
        self.program(*encoder(ingests[0].rtmp("moving")))
        until(lambda: len(viewer.data) > 100_000, "the viewer is served")
        kill(ingests[0].program)
        self.program(*encoder(ingests[1].rtmp("moving"))).succeed()
        until(lambda: ingests[1].stream("moving")["state"] == "lingering", "all of the encoder's frames are in")
        data = self.end_of(viewer, ingests[1], "moving")
        times = [time for kind, time, _ in media(data) if kind == 9]
        self.assertEqual(times, sorted(times))
        self.assertGreater(len(times), 120 + 20)
        # From its first frame on, the second session is there whole.
        bodies = [body for kind, _, body in media(data) if kind == 9][-120:]
        original = [body for kind, _, body in media(open(sample(), "rb").read()) if kind == 9]
        self.assertEqual(bodies, original)

    def test_the_way_of_a_stream_and_its_delay_can_be_seen(self):
        relay = self.node("relay", self.server)
        edge = self.node("edge", relay)
        viewer = Recorder(self, edge.flv("seen"))
        edge.wait_viewers(1, "seen")
        publisher = self.publish(sample(), "seen")
        until(lambda: len(viewer.data) > 100_000, "the viewer is served")
        upstream = edge.stream("seen")["upstream"]
        self.assertEqual((upstream["parent"], upstream["path"], upstream["hops"]), ("relay", ["origin", "relay"], 2))
        self.assertEqual((upstream["failovers"], upstream["framesLost"], upstream["duplicates"]), (0, 0, 0))
        # A machine that does other things, too, is given its time; what is good is for benchmarks to say.
        self.assertLess(upstream["delayMedianMs"], 500)
        [link] = [l for l in relay.api("/api/v1/links")["links"] if l["node"] == "edge" and l["streamsOut"]]
        self.assertFalse(link["outgoing"])
        self.assertGreater(link["rttMs"], 0)
        self.assertLess(abs(link["clockOffsetMs"]), 50)
        publisher.succeed()

    def test_one_copy_travels_for_many_viewers(self):
        edge = self.node("edge", self.server)
        viewers = [Recorder(self, edge.flv("shared")) for _ in range(5)]
        edge.wait_viewers(5, "shared")
        self.publish(sample(), "shared")
        until(lambda: self.server.stream("shared") and self.server.stream("shared")["viewers"].get("relay"), "a child")
        self.assertEqual(self.server.stream("shared")["viewers"]["relay"], 1)
        for viewer in viewers:
            viewer.wait()

    def test_a_stream_that_nobody_watches_is_not_pulled_any_more(self):
        edge = self.node("edge", self.server, settings=("relay.hold=0",))
        publisher = self.publish(sample(seconds=20), "left")
        viewer = Recorder(self, edge.flv("left"))
        until(lambda: len(viewer.data) > 1000, "the viewer is served")
        viewer.program.stop()
        edge.wait_gone("left")
        until(lambda: not self.server.stream("left")["viewers"].get("relay"), "the parent has no child")
        publisher.stop()

    def test_an_unknown_stream_is_not_found(self):
        edge = self.node("edge", self.server, settings=("play.wait=0",))
        viewer = self.program("ffprobe", "-v", "error", edge.flv("nothing"))
        self.assertNotEqual(viewer.wait(), 0)
        self.assertIn("404", viewer.output)

    def test_two_nodes_that_are_each_others_parents_do_not_wait_for_one_another(self):
        # Who waited for an answer would wait for longer than the test's patience.
        settings = ("play.wait=0", "relay.timeout=60s")
        first = self.node("first", settings=settings)
        second = self.node("second", first, settings=settings)
        first.program.command += ["--set", f"relay.parents={second.relay}"]
        first.start_again()
        for node in first, second:
            viewer = self.program("ffprobe", "-v", "error", node.flv("nothing"))
            self.assertNotEqual(viewer.wait(), 0)
            self.assertIn("404", viewer.output)
        publisher = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-i", sample(), "-c", "copy", "-f",
            "flv", first.rtmp("mutual"))
        first.wait_live("mutual")
        viewer = Recorder(self, second.flv("mutual"))
        until(lambda: len(viewer.data) > 1000, "the viewer is served")
        publisher.succeed()

    def test_nodes_with_another_secret_are_refused(self):
        secrets = [self.scratch(".secret"), self.scratch(".secret")]
        for path, text in zip(secrets, ("correct horse battery staple", "incorrect horse battery staple")):
            with open(path, "w") as file:
                file.write(text)
        root = self.node("guarded", settings=(f"relay.secret_file={secrets[0]}",))
        friend = self.node("friend", root, settings=(f"relay.secret_file={secrets[0]}",))
        stranger = self.node("stranger", root, settings=(f"relay.secret_file={secrets[1]}", "play.wait=0"))
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-i", sample(), "-c", "copy", "-f",
            "flv", root.rtmp("guarded"))
        root.wait_live("guarded")
        viewer = Recorder(self, friend.flv("guarded"))
        until(lambda: len(viewer.data) > 1000, "the friend is served")
        self.program("ffprobe", "-v", "error", stranger.flv("guarded")).wait()
        until(lambda: stranger.errors().get("relay_refused") or stranger.errors().get("relay_wrong_proof"), "a refusal")


if __name__ == "__main__":
    unittest.main()
