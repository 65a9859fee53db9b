"""SRT peers whose process is killed, which says no goodbye: SRT itself notices after seconds."""

import os
import re
import signal
import unittest

from srt_test import CUT, SRTTest
from support import kill, sample, until


class GoneTest(SRTTest):
    # Far below the 5 s of SRT's timeout, and long for a busy machine.
    SOON = 2

    def assert_noticed(self, name, viewers):
        until(lambda: len(self.server.sessions("play", name)) == viewers, "it is noticed", self.SOON)

    def test_a_killed_viewer_is_noticed_at_once_and_others_lose_nothing(self):
        original = sample(seconds=10)
        viewers = [self.watch(self.url("live/gone")) for _ in range(2)]
        other = self.watch(self.url("live/gone"))
        self.server.wait_viewers(3, "gone")
        publisher = self.encode(original, self.url("publish:live/gone"))
        until(lambda: (self.server.stream("gone") or {}).get("framesVideo", 0) > 20, "it runs")
        for left, viewer in (2, viewers[0]), (1, viewers[1]):
            kill(viewer)
            self.assert_noticed("gone", left)
        again = self.watch(self.url("live/gone"))
        self.server.wait_viewers(2, "gone")
        publisher.succeed()
        for viewer, count in (other, 200), (again, 25):
            viewer.wait()
            self.assert_same(original, viewer.path, count, cut=CUT)
        self.server.wait_gone("gone")

    def test_a_killed_encoder_is_noticed_at_once(self):
        for _ in range(3):
            publisher = self.encode(sample(seconds=10), self.url("publish:live/lost"))
            self.server.wait_live("lost")
            kill(publisher)
            # It may have been sent all that is about its data; then a keep-alive is refused, a second later.
            until(lambda: not self.server.sessions("publish", "lost"), "it is noticed", 1.5 + self.SOON)
            self.server.wait_gone("lost")

    def test_who_leaves_in_order_is_not_taken_for_killed(self):
        self.encode(sample(seconds=10), self.url("publish:live/left"))
        self.server.wait_live("left")
        for _ in range(3):
            viewer = self.watch(self.url("live/left"))
            self.server.wait_viewers(1, "left")
            until(lambda: os.path.getsize(viewer.path) > 0, "it watches")
            viewer.signal(signal.SIGINT)
            self.assert_noticed("left", 0)
            viewer.wait()
        endings = re.findall(r"session.end .* reason=\"([^\"]*)\" role=play stream=live/left", self.server.log)
        self.assertEqual(endings, ["closed by peer"] * 3)


if __name__ == "__main__":
    unittest.main()
