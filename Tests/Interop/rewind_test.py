"""Windows of streams on a disk: playlists that reach back, over the end of a stream and of the server, under players,
parsers and limits."""

import json
import pathlib
import signal
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import pypi
from hls_checker import RecordedChecker
from rewind_server import RewindServerTest, Window
from support import DEADLINE, has, tool, until

PARSE = """
import json, m3u8, sys
found = m3u8.loads(sys.stdin.read())
print(json.dumps({
    "type": found.playlist_type, "over": found.is_endlist, "variants": [p.uri for p in found.playlists],
    "seconds": sum(s.duration for s in found.segments), "count": len(found.segments),
    "dated": all(s.program_date_time for s in found.segments)}))
"""


class RewindTest(RewindServerTest):
    # Players.

    def decode(self, name, resource="rewind.m3u8"):
        """Times of the pictures that ffmpeg decodes of the window, and what it complains of."""
        done = subprocess.run(
            [tool("ffprobe"), "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0",
             self.server.page(f"/live/{name}/{resource}")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        times = [float(line.rstrip(",")) for line in done.stdout.decode().split() if line.rstrip(",")]
        return times, done.stderr.decode()

    def seek(self, name, seconds):
        """What ffmpeg complains of when it takes one picture from there on."""
        path = self.scratch(".jpg")
        done = subprocess.run(
            [tool("ffmpeg"), "-v", "error", "-y", "-ss", str(seconds), "-i",
             self.server.page(f"/live/{name}/rewind.m3u8"), "-frames:v", "1", path],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertGreater(pathlib.Path(path).stat().st_size, 1000)
        return done.stderr.decode()

    def middle(self, name, window, first):
        """Pictures that are decoded from a segment on, as a player that goes there fetches them."""
        resources = [*window.maps, *window.names[first:first + 2]]
        path = pathlib.Path(self.scratch(".mp4"))
        path.write_bytes(b"".join(self.get(resource, name).body for resource in resources))
        done = subprocess.run(
            [tool("ffprobe"), "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries",
             "stream=nb_read_frames", "-of", "csv=p=0", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Of a transport stream it says it for the programme, too.
        return done.stdout.decode().split()[0].rstrip(","), done.stderr.decode()

    def play(self, name, resource="rewind.m3u8"):
        """VLC plays it into a file, which has pictures and sound."""
        program = self.vlc(self.server.page(f"/live/{name}/{resource}"))
        self.await_recording(program)
        self.assertTrue(has(program.path, "v") and has(program.path, "a"), program)

    def parse(self, text):
        done = subprocess.run(
            [pypi.python(), "-c", PARSE], input=text, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    # Viewers.

    def test_segments_that_are_gone_from_memory_are_there_and_the_same(self):
        self.serve()
        self.encode()
        self.server.wait_live()
        names = until(self.live, "there is a live playlist")
        seen = {name: self.get(name) for name in names}
        self.leave_live(names)
        # Out of memory, too: there are a few more than listed.
        window = self.wait_window(14)
        self.assertFalse(window.is_ended)
        self.assertEqual(window.breaks, [])
        self.assertEqual(window.numbers, list(range(window.numbers[0], window.numbers[0] + len(window.numbers))))
        for name, live in seen.items():
            self.assertIn(name, window.names)
            kept = self.get(name)
            self.assertEqual((kept.status, kept.body), (200, live.body))
            for header in "etag", "cache-control", "content-type", "accept-ranges", "access-control-allow-origin":
                self.assertEqual(kept.headers[header], live.headers[header])
        for name in window.names + window.maps:
            self.assertEqual(self.get(name).status, 200, name)
        for wrong in "1.m4s", "1.ts", "init-0000000000000001.mp4", "audio-1-1.m4s", f"{names[0]}.unfinished":
            self.assertIn(self.get(wrong).status, (400, 404), wrong)

    def test_the_rules_hold_for_windows_events_and_recordings(self):
        self.serve("apps.live/t.hls.form=ts")
        publishers = [self.encode(name) for name in "at"]
        first = int(self.wait_window(4, "a").segments[1].date)
        self.wait_window(4, "t")
        resources = ["window.m3u8", f"window.m3u8?from={first}"]
        checkers = [RecordedChecker(self.server.page(f"/live/{name}/{resource}")) for name in "at" for resource in resources]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda checker: checker.follow(6), checkers))
        for publisher in publishers:
            publisher.stop()
        last = int(self.wait_end("a").segments[-1].date)
        self.wait_end("t")
        for checker in checkers:
            checker.follow(1)
            self.assertTrue(checker.playlist.is_ended, checker.client.base)
        videos = [RecordedChecker(self.server.page(f"/live/{n}/window.m3u8?from={first}&to={last}")) for n in "at"]
        kinds = [None, "EVENT"] * 2 + ["VOD"] * 2
        for checker, kind in zip(checkers + videos, kinds):
            with self.subTest(url=checker.client.base):
                checker.follow(0)
                checker.follow(0)
                checker.check_requests()
                print(f"{checker.client.base}: {checker.summary()}", flush=True)
                self.assertEqual(checker.broken, [])
                self.assertEqual(checker.playlist.kind, kind)
                self.assertGreaterEqual(checker.counts["segments"], 3)
                checker.client.close()

    def test_times_choose_a_part_of_the_window(self):
        self.serve()
        self.encode()
        whole = self.wait_window(8)
        start, end = int(whole.segments[2].date) + 1, int(whole.segments[5].date) + 1
        part = self.window(query=f"?from={start}&to={end}")
        self.assertEqual((part.kind, part.is_ended, part.number), ("VOD", True, 0))
        self.assertEqual(
            part.names, [s.uri for s in whole.segments if s.date + s.duration > start and s.date < end])
        self.assertEqual(self.window(query=f"?from={start}&to={end}").text, part.text)
        event = self.window(query=f"?from={start}")
        self.assertEqual((event.kind, event.is_ended), ("EVENT", False))
        self.assertEqual(event.names[:len(part.names)], part.names)
        grown = self.wait_window(len(event.segments) + 2, query=f"?from={start}")
        self.assertTrue(grown.text.startswith(event.text))
        self.assertEqual(self.get(f"window.m3u8?from={start}&to={int(time.time()) + 3600}").status, 404)
        for wrong in "from=x", "to=5", "from=9&to=3", "from=1&from=1", "from=-1", "from=" + 30 * "9":
            self.assertEqual(self.get(f"window.m3u8?{wrong}").status, 400, wrong)
            self.assertEqual(self.get(f"rewind.m3u8?{wrong}").status, 400, wrong)
        index = self.get(f"rewind.m3u8?from={start}&to={end}").text
        self.assertRegex(index, rf"\nwindow\.m3u8\?from={start}&to={end}&v=[\w-]{{22}}\n$")

    def test_after_the_end_it_is_complete_and_plays_from_anywhere(self):
        self.serve("hls.idle=1s", "apps.live/b.hls.form=fmp4", "apps.live/c.hls.form=ts")
        names = "abc"
        publishers = [self.encode(name) for name in names]
        for name in names:
            self.wait_window(8, name)
        index = self.parse(self.get("rewind.m3u8").text)
        self.assertEqual(len(index["variants"]), 1)
        found = self.parse(self.get("window.m3u8").text)
        self.assertEqual((found["type"], found["over"], found["dated"]), (None, False, True))
        # While it is live a player begins near its end; that it plays is enough.
        self.play("a")
        for publisher in publishers:
            publisher.stop()
        for name in names:
            with self.subTest(stream=name):
                window = self.wait_end(name)
                times, errors = self.decode(name)
                self.assertEqual(errors, "")
                self.assertAlmostEqual(len(times) / 30, window.seconds, delta=0.1)
                self.assertEqual(times, sorted(times))
                self.assertEqual(self.middle(name, window, 4), ("60", ""))
                # In HLS of MP4 ffmpeg 5.1 finds nothing behind a seek, not even in its own.
                if not window.maps:
                    self.assertEqual(self.seek(name, 4), "")
                self.play(name)
                start, end = int(window.segments[1].date) + 1, int(window.segments[5].date) + 1
                query = f"?from={start}&to={end}"
                part = self.window(name, query)
                found = self.parse(part.text)
                self.assertEqual((found["type"], found["over"], found["dated"]), ("vod", True, True))
                self.assertEqual((found["count"], round(found["seconds"], 3)), (len(part.segments), round(part.seconds, 3)))
                times, errors = self.decode(name, "rewind.m3u8" + query)
                self.assertEqual(errors, "")
                self.assertAlmostEqual(len(times) / 30, part.seconds, delta=0.1)
                self.play(name, "rewind.m3u8" + query)

    def test_a_restart_of_the_server_goes_on_where_it_was(self):
        for number in signal.SIGKILL, signal.SIGTERM:
            with self.subTest(signal=number):
                self.serve()
                publisher = self.encode()
                before = self.wait_window(4)
                self.server.program.signal(number)
                self.server.program.wait()
                publisher.stop()
                self.server.start_again()
                kept = self.wait_window(len(before.segments))
                self.assertTrue(kept.is_ended)
                self.assertEqual(self.kept()["state"], "ended")
                self.encode()
                after = self.wait_window(len(kept.segments) + 3)
                self.assertFalse(after.is_ended)
                places = {s.number: s.uri for s in after.segments}
                for segment in before.segments:
                    self.assertEqual(places[segment.number], segment.uri)
                self.assertEqual(after.breaks, [len(kept.segments)])
                self.assertEqual(after.numbers, sorted(set(after.numbers)))
                for name in after.names:
                    self.assertEqual(self.get(name).status, 200)

    def test_who_rewinds_is_counted_and_limited_like_others(self):
        self.serve("limits.stream_viewers=2", "apps.live/b.hls.form=ts")
        publisher = self.encode()
        until(lambda: (k := self.kept()) and k["segments"] >= 16, "there is a window, and nobody has asked for it", 40)

        def begin():
            """As a player: the playlists, and a segment, on one connection."""
            client = self.client(resource="rewind.m3u8")
            [uri] = [line for line in client.get().text.splitlines() if line and not line.startswith("#")]
            return client, uri, client.get(uri)

        players = [begin() for _ in range(3)]
        self.assertEqual([answer.status for *_, answer in players], [200, 200, 503])
        self.assertIn("retry-after", players[2][2].headers)
        self.assertEqual(self.server.stream()["viewers"]["hls"], 2)
        # As live, and the other way round: one viewer.
        client, uri, answer = players[0]
        token = uri.partition("v=")[2]
        self.assertEqual(client.get(f"media.m3u8?v={token}").status, 200)
        self.assertEqual(client.get(f"media.m3u8?v={'A' * 22}").status, 503)
        publisher.stop()
        self.server.wait_gone()
        until(lambda: self.get("window.m3u8?v=" + token).status == 200, "places are free again", 40)
        until(lambda: self.kept()["viewers"] == 1, "one is there")
        self.assertEqual(client.get(uri).status, 200)
        # Who has the whole playlist asks for segments alone, and stays.
        names, end = Window(client.get(uri).text).names, time.monotonic() + 12
        until(lambda: client.get(names[0]).status == 200 and time.monotonic() > end, "it goes on", 40)
        self.assertEqual(self.kept()["viewers"], 1)
        client.close()
        until(lambda: self.kept()["viewers"] == 0, "it is gone", 40)

    def test_packets_are_kept_too_and_off_is_off(self):
        self.serve("hls.form=ts", "apps.live/off.rewind.window=0")
        self.encode()
        self.encode("off")
        window = self.wait_window(3)
        self.assertEqual(window.maps, [])
        self.assertTrue(all(name.endswith(".ts") for name in window.names))
        for resource in "window.m3u8", "rewind.m3u8":
            for name in "off", "nobody":
                self.assertEqual(self.get(resource, name).status, 404)
            self.assertEqual(self.get(resource, method="POST").status, 405)
        self.assertEqual([p.name for p in (self.root / "live").iterdir()], ["a"])


if __name__ == "__main__":
    unittest.main()
