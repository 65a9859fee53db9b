"""Many streams on one link between nodes, and a parent that freezes: every frame of each of them arrives once."""

import pathlib
import signal
import unittest

import support
from support import Recorder, Server, ServerTest, media, until


class FailoverTest(ServerTest):
    """`server` is where encoders push. Two relays take every stream from it, and a child takes all from one of them.

    Streams of several sizes, so that what the new parent has to catch up on does not fit its socket: the answers to
    some of the child's requests are waiting while the frames of others are half written.
    """

    settings = ("publish.linger=500ms",)

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.settings, node="origin")
        cls.addClassCleanup(cls.server.stop)

    def node(self, name, *parents, settings=()):
        asked = ",".join(parent.relay for parent in parents)
        server = Server((f"relay.parents={asked}", "publish.linger=5s", *settings), node=name)
        self.addCleanup(server.stop)
        return server

    @staticmethod
    def parent(child, name):
        stream = child.stream(name)
        return stream and stream["upstream"] and stream["publisher"] and stream["publisher"]["address"]

    def test_a_frozen_parent_of_many_streams_costs_no_frame_of_any(self):
        seconds, freezes = 16, 3
        relays = [self.node("relay-a", self.server), self.node("relay-b", self.server)]
        child = self.node("child", *relays, settings=("relay.dead_after=2s",))
        sizes = ["160x90", "640x360", "320x180", "640x360", "480x270", "640x360"]
        originals = {f"many-{index}": noisy(size, seconds) for index, size in enumerate(sizes)}
        # Whoever is resumed from has had the stream for a while: here because each relay has an audience of its own.
        for name in originals:
            for relay in relays:
                Recorder(self, relay.flv(name))
        viewers = {name: Recorder(self, child.flv(name)) for name in originals}
        publishers = [self.publish(path, name) for name, path in originals.items()]
        for name, viewer in viewers.items():
            until(lambda: len(viewer.data) > 50_000, f"a viewer of {name} is served")
        for _ in range(freezes):
            before = {name: self.parent(child, name) for name in originals}
            frozen = max(relays, key=lambda relay: sum(parent == relay.relay for parent in before.values()))
            frozen.program.signal(signal.SIGSTOP)
            try:
                for name in originals:
                    until(lambda: self.parent(child, name) not in (None, frozen.relay), f"{name} has another parent")
            finally:
                frozen.program.signal(signal.SIGCONT)
            sizes_now = {name: len(viewer.data) for name, viewer in viewers.items()}
            for name, viewer in viewers.items():
                until(lambda: len(viewer.data) > sizes_now[name] + 100_000 or publishers[0].is_over, "it flows again")
        for publisher in publishers:
            publisher.succeed(40)
        for name, viewer in viewers.items():
            self.assert_unbroken(originals[name], viewer.wait(), name)

    def test_a_parent_that_has_not_had_the_stream_yet_costs_no_frame_either(self):
        # A keyframe a second, and a parent that is dead after two: several pass before the next one is asked.
        first, second = self.node("first", self.server), self.node("second", self.server)
        child = self.node("late-child", first, second, settings=("relay.dead_after=2s",))
        original = noisy("320x180", 12)
        publisher = self.publish(original, "fresh")
        self.server.wait_live("fresh")
        viewer = Recorder(self, child.flv("fresh"))
        until(lambda: len(viewer.data) > 100_000, "the viewer is served")
        self.assertEqual(self.parent(child, "fresh"), first.relay)
        self.assertIsNone(second.stream("fresh"))
        first.program.signal(signal.SIGSTOP)
        try:
            until(lambda: self.parent(child, "fresh") == second.relay, "the other parent delivers")
        finally:
            first.program.signal(signal.SIGCONT)
        publisher.succeed(40)
        self.assert_unbroken(original, viewer.wait(), "fresh")

    def assert_unbroken(self, original, data, name):
        """What a viewer recorded is a piece of what was published, without a hole and without a repetition."""
        bodies = [body for kind, _, body in media(data) if kind == 9]
        whole = [body for kind, _, body in media(pathlib.Path(original).read_bytes()) if kind == 9]
        self.assertGreater(len(bodies), 200, name)
        self.assertEqual(len(set(whole)), len(whole), "the sample's pictures can be told apart")
        places = {body: place for place, body in enumerate(whole)}
        found = [places[body] for body in bodies]
        breaks = [(a, b) for a, b in zip(found, found[1:]) if b != a + 1]
        self.assertEqual(breaks, [], f"{name}: where pictures do not follow each other")


def noisy(size, seconds):
    """A sample whose pictures are large and all different."""
    return support.kept(f"noisy-{size}-{seconds}.flv", lambda path: support.ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds},noise=alls=60:allf=t", "-c:v", "libx264",
        "-preset", "ultrafast", "-g", "30", "-bf", "0", "-pix_fmt", "yuv420p", "-f", "flv", path))


if __name__ == "__main__":
    unittest.main()
