"""Going back in a stream with several audio tracks: each has a playlist of the window, and they stay over the end of the
server."""

import signal
import unittest

import two_tracks
from hls_checker import RecordedChecker
from hls_renditions import Multivariant
from rewind_server import RewindServerTest, Window
from support import free_ports, until


class RewindRenditionsTest(RewindServerTest):
    def serve_srt(self, *settings):
        [self.srt_port] = free_ports(1)
        self.serve(f"srt.listen=127.0.0.1:{self.srt_port}", *settings)

    def encode_two(self, name="a"):
        return self.program(*two_tracks.command(
            f"srt://127.0.0.1:{self.srt_port}?streamid=#!::r=live/{name},m=publish&transtype=live"))

    def index(self, query=""):
        answer = self.get("rewind.m3u8" + query)
        return Multivariant(answer.text) if answer.status == 200 else None

    def track(self, query=""):
        answer = self.get("window-1.m3u8" + query)
        return Window(answer.text) if answer.status == 200 else None

    def hear(self, query=""):
        """Hertz of each track, as ffmpeg chooses it by its language."""
        paths = [self.scratch(".raw") for _ in range(2)]
        programs = [
            self.program(*two_tracks.listener(self.server.page(f"/live/a/rewind.m3u8{query}"), language, path))
            for language, path in zip(("en", "de"), paths)]
        for program in programs:
            program.succeed(40)
        return [round(two_tracks.tone(path), -1) for path in paths]

    def test_each_track_goes_back_as_far_and_is_the_same_as_live(self):
        self.serve_srt()
        publisher = self.encode_two()
        until(lambda: (a := self.get("audio-1.m3u8")).status == 200 and a, "a live playlist of the second track")
        live = Window(self.get("audio-1.m3u8").text).names
        seen = {name: self.get(name) for name in live}
        self.wait_window(9)
        main, track = self.window(), until(lambda: (t := self.track()) and len(t.segments) > 8 and t, "as long a window")
        self.assertFalse(any(s.is_gap for s in track.segments))
        self.assertEqual((track.numbers[0], track.number, track.target), (main.numbers[0], main.number, main.target))
        self.assertEqual(track.breaks, [])
        for name, answer in seen.items():
            kept = self.get(name)
            self.assertEqual((kept.status, kept.body), (200, answer.body), name)
            self.assertEqual(kept.headers["content-type"], "audio/mp4")
        for wrong in "window-0.m3u8", "window-2.m3u8", "window-16.m3u8", "audio-2-1.m4s", f"audio-2-{main.numbers[0]}.m4s":
            self.assertEqual(self.get(wrong).status, 404, wrong)
        found = self.index()
        self.assertEqual([(m["NAME"], m["LANGUAGE"], m["CHANNELS"]) for m in found.media], [("en", "en", "2"), ("de", "de", "1")])
        self.assertRegex(found.media[1]["URI"], r"^window-1\.m3u8\?v=[\w-]{22}$")
        start, end = int(main.segments[2].date) + 1, int(main.segments[6].date) + 1
        query = f"?from={start}&to={end}"
        self.assertRegex(self.index(query).media[1]["URI"], rf"^window-1\.m3u8\?from={start}&to={end}&v=[\w-]{{22}}$")
        part = self.track(query)
        self.assertEqual((part.kind, part.is_ended, part.numbers), ("VOD", True, self.window(query=query).numbers))
        self.assertEqual(self.hear(query), [two_tracks.FIRST, two_tracks.SECOND])
        publisher.stop()
        main = self.wait_end()
        track = until(lambda: (t := self.track()) and t.is_ended and t, "its playlist is over, too")
        self.assertEqual(track.numbers, main.numbers)
        self.assertEqual(self.hear(), [two_tracks.FIRST, two_tracks.SECOND])

    def test_the_rules_hold_for_each_track(self):
        self.serve_srt()
        publisher = self.encode_two()
        first = int(self.wait_window(4).segments[1].date)
        until(lambda: self.track(f"?from={first}"), "an event of the second track")
        checkers = [RecordedChecker(self.server.page(f"/live/a/window-1.m3u8{query}")) for query in ("", f"?from={first}")]
        for checker in checkers:
            checker.follow(4)
        publisher.stop()
        last = int(self.wait_end().segments[-1].date)
        for checker in checkers:
            checker.follow(1)
        checkers.append(RecordedChecker(self.server.page(f"/live/a/window-1.m3u8?from={first}&to={last}")))
        checkers[-1].follow(0)
        for checker, kind in zip(checkers, (None, "EVENT", "VOD")):
            checker.check_requests()
            self.assertEqual((checker.broken, checker.playlist.kind, checker.playlist.is_ended), ([], kind, True))
            self.assertGreaterEqual(checker.counts["segments"], 3)
            checker.client.close()

    def test_a_killed_server_knows_its_tracks_again(self):
        self.serve_srt()
        publisher = self.encode_two()
        self.wait_window(4)
        until(lambda: (t := self.track()) and len(t.segments) > 3, "the second track is kept")
        before = self.index()
        self.server.program.signal(signal.SIGKILL)
        self.server.program.wait()
        publisher.stop()
        self.server.start_again()
        main = until(lambda: (w := self.window()) and w.is_ended and w, "what was kept is there")
        after = self.index()
        for key in "CODECS", "RESOLUTION", "AUDIO":
            self.assertEqual(after.variants[0][0][key], before.variants[0][0][key])
        for key in "NAME", "LANGUAGE", "CHANNELS", "DEFAULT":
            self.assertEqual([m[key] for m in after.media], [m[key] for m in before.media])
        track = self.track()
        self.assertEqual(track.numbers, main.numbers)
        # What was about to be written when it was killed is lost, of one track or of both.
        self.assertFalse(any(s.is_gap for s in track.segments[:-1]))
        self.assertEqual(self.hear(), [two_tracks.FIRST, two_tracks.SECOND])
        self.encode_two()
        again = until(lambda: (t := self.track()) and len(t.segments) > len(main.segments) + 3 and t, "it goes on")
        self.assertEqual(again.breaks, [len(main.segments)])
        main = self.window()
        self.assertEqual(again.discontinuity, main.discontinuity)


if __name__ == "__main__":
    unittest.main()
