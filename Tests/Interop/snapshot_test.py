"""Pictures of streams by the real ffmpeg, by one that hangs, and by none."""

import os
import pathlib
import signal
import stat
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from support import DEADLINE, SCRATCH, Server, ServerTest, free_ports, sample, tool, until


class SnapshotTest(ServerTest):
    """Each test with a server of its own."""

    @classmethod
    def setUpClass(cls):
        pass

    def serve(self, *settings, node=None):
        server = Server(("publish.linger=0", "play.wait=0", *settings), node)
        self.addCleanup(server.stop)
        self.server = server
        return server

    def get(self, name="a", method="GET", headers={}, server=None):
        request = urllib.request.Request(
            (server or self.server).page(f"/live/{name}.jpg"), method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=2 * DEADLINE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def picture(self, name="a", server=None):
        """The picture, once there is one: the first request may come before the first keyframe."""
        def made():
            status, _, body = self.get(name, server=server)
            self.assertIn(status, (200, 404, 503))
            return status == 200 and body
        return until(made, f"there is a picture of {name}")

    def script(self, text):
        """A program that leaves a folder for each of its runs beside it: it can write no file."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        path = folder / "ffmpeg"
        path.write_text(f"#!/bin/sh\nmkdir {folder}/run-$$\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def runs(self, script):
        return [int(path.name.split("-")[1]) for path in script.parent.glob("run-*")]

    def colours(self, name="a", size="320x180", colour="red"):
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            f"color={colour}:size={size}:rate=30", "-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-pix_fmt",
            "yuv420p", "-f", "flv", self.server.rtmp(name))

    def decode(self, jpeg):
        """Width, height and the mean colour of a JPEG."""
        path = pathlib.Path(self.scratch(".jpg"))
        path.write_bytes(jpeg)
        size = subprocess.run(
            [tool("ffprobe"), "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", path],
            stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        codec, width, height = size.split(",")
        self.assertEqual(codec, "mjpeg")
        pixel = subprocess.run(
            [tool("ffmpeg"), "-v", "error", "-i", path, "-vf", "scale=1:1:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24",
             "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
        return int(width), int(height), tuple(pixel)

    def totals(self):
        return self.server.api("/api/v1/node")["snapshots"]

    def wait_died(self, pids):
        def dead(pid):
            try:
                return pathlib.Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
            except OSError:
                return True
        until(lambda: all(map(dead, pids)), f"{pids} are gone")

    # With ffmpeg.

    def test_a_picture_has_the_streams_size_and_colour_and_follows_it(self):
        self.serve("snapshot.cache=500ms")
        publisher = self.colours()
        self.server.wait_live()
        width, height, (red, green, blue) = self.decode(self.picture())
        self.assertEqual((width, height), (320, 180))
        self.assertTrue(red > 180 and green < 80 and blue < 80, (red, green, blue))
        publisher.stop()
        self.server.wait_gone()
        self.assertEqual(self.get()[0], 404)
        self.colours(colour="blue")
        self.server.wait_live()

        def is_blue():
            red, _, blue = self.decode(self.picture())[2]
            return blue > 180 and red < 80
        until(is_blue, "the picture is of the new stream")

    def test_answers_are_cached_tagged_and_have_no_body_for_head(self):
        self.serve("snapshot.cache=60s")
        self.colours()
        self.server.wait_live()
        first = self.picture()
        status, headers, body = self.get()
        self.assertEqual((status, body), (200, first))
        self.assertEqual(headers["Content-Type"], "image/jpeg")
        self.assertEqual(headers["Cache-Control"], "public, max-age=60")
        self.assertEqual(self.get(headers={"If-None-Match": headers["ETag"]})[0], 304)
        status, headers, body = self.get(method="HEAD")
        self.assertEqual((status, headers["Content-Length"], body), (200, str(len(first)), b""))
        self.assertEqual(self.get(method="PUT")[0], 405)
        self.assertEqual(self.totals()["made"], 1)
        self.assertIn("sluice_snapshots_total 1", self.server.api("/metrics", raw=True))

    def test_wide_pictures_are_made_smaller_and_pixels_square(self):
        self.serve("snapshot.width=160")
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            "testsrc2=size=320x240:rate=30", "-vf", "setsar=4/3", "-c:v", "libx264", "-preset", "ultrafast", "-g", "15",
            "-pix_fmt", "yuv420p", "-f", "flv", self.server.rtmp())
        self.server.wait_live()
        self.assertEqual(self.decode(self.picture())[:2], (160, 90))

    def test_old_codecs_have_pictures_too_and_sound_has_none(self):
        self.serve()
        self.publish(sample("flv1", "mp3", seconds=20), "old")
        self.publish(sample(None, "aac", seconds=20), "sound")
        self.server.wait_live("old")
        self.assertEqual(self.decode(self.picture("old"))[:2], (320, 180))
        self.server.wait_live("sound")
        status, _, body = self.get("sound")
        self.assertEqual(status, 404)
        self.assertIn(b"has no pictures", body)

    def test_h265_over_srt_has_a_picture(self):
        [port] = free_ports(1)
        self.serve(f"srt.listen=127.0.0.1:{port}")
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            "color=red:size=320x180:rate=30", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
            "keyint=15:bframes=2:log-level=none", "-pix_fmt", "yuv420p", "-f", "mpegts",
            f"srt://127.0.0.1:{port}?streamid=#!::r=live/a,m=publish&transtype=live")
        self.server.wait_live()
        width, height, (red, _, blue) = self.decode(self.picture())
        self.assertEqual((width, height), (320, 180))
        self.assertTrue(red > 180 and blue < 80)

    def test_a_stream_of_another_node_is_pulled_for_its_picture(self):
        origin = self.serve(node="o")
        self.colours()
        origin.wait_live()
        edge = Server((f"relay.parents={origin.relay}", "relay.hold=0", "play.wait=0"), node="e")
        self.addCleanup(edge.stop)
        self.assertEqual(self.decode(self.picture(server=edge))[:2], (320, 180))
        self.server = edge
        edge.wait_gone()

    # How many.

    def test_requests_at_once_cost_one_ffmpeg(self):
        script = self.script(f'exec {tool("ffmpeg")} "$@"')
        self.serve(f"snapshot.ffmpeg={script}", "snapshot.cache=60s")
        self.colours()
        self.server.wait_live()
        until(lambda: self.server.stream()["framesVideo"] > 15, "there is a keyframe")
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: self.get(), range(16)))
        self.assertEqual({status for status, _, _ in answers}, {200})
        self.assertEqual(len({body for _, _, body in answers}), 1)
        self.assertEqual(len(self.runs(script)), 1)

    def test_a_node_runs_few_at_once_and_the_others_have_their_turn(self):
        # One that is told to go on by a file.
        script = self.script(f'while ! test -e {SCRATCH.name}/go-on; do sleep 0.02; done; exec {tool("ffmpeg")} "$@"')
        self.serve(f"snapshot.ffmpeg={script}", "snapshot.processes=2", "snapshot.timeout=20s")
        names = "abcd"
        for name in names:
            self.colours(name)
        for name in names:
            self.server.wait_live(name)
            until(lambda: self.server.stream(name)["framesVideo"] > 15, "there is a keyframe")
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(self.get, name) for name in names]
            until(lambda: len(self.runs(script)) == 2 and self.totals()["running"] == 2, "two run")
            pathlib.Path(SCRATCH.name, "go-on").touch()
            self.assertEqual([answer.result()[0] for answer in answers], [200] * 4)
        self.assertEqual(len(self.runs(script)), 4)

    # Without.

    def test_without_ffmpeg_the_answer_says_what_to_install(self):
        before = os.environ["PATH"]
        try:
            os.environ["PATH"] = tempfile.mkdtemp(dir=SCRATCH.name)
            self.serve()
        finally:
            os.environ["PATH"] = before
        self.colours()
        self.server.wait_live()
        status, body = until(lambda: (a := self.get())[0] != 503 and (a[0], a[2]), "there is an answer")
        self.assertEqual(status, 501)
        self.assertIn(b"apt-get install ffmpeg", body)
        self.assertIn(b"snapshot.ffmpeg", body)
        self.assertGreaterEqual(self.totals()["failures"]["no_program"], 1)

    def test_off_is_off_and_nobody_is_missing(self):
        self.serve("apps.live.snapshot.ffmpeg=off")
        self.colours()
        self.server.wait_live()
        status, _, body = self.get()
        self.assertEqual(status, 404)
        self.assertIn(b"off", body)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(self.server.page("/other/nobody.jpg"), timeout=DEADLINE)
        with caught.exception as error:
            self.assertEqual(error.code, 404)
            self.assertIn(b"Nobody publishes other/nobody", error.read())

    def test_one_that_hangs_is_killed_and_the_answer_says_so(self):
        script = self.script("exec sleep 1000")
        self.serve(f"snapshot.ffmpeg={script}", "snapshot.timeout=1s")
        self.colours()
        self.server.wait_live()
        status, body = until(lambda: (a := self.get())[0] != 503 and (a[0], a[2]), "there is an answer")
        self.assertEqual(status, 504)
        self.assertIn(b"was killed", body)
        self.wait_died(self.runs(script))
        self.assertIn("code=too_slow", self.server.log)
        self.assertIn('sluice_snapshot_failures_total{reason="too_slow"} 1', self.server.api("/metrics", raw=True))
        self.assertEqual(self.totals()["running"], 0)

    def test_one_that_fails_is_told_of_in_the_log(self):
        script = self.script("echo something is wrong here >&2; exit 1")
        self.serve(f"snapshot.ffmpeg={script}")
        self.colours()
        self.server.wait_live()
        status, body = until(lambda: (a := self.get())[0] != 503 and (a[0], a[2]), "there is an answer")
        self.assertEqual(status, 502)
        self.assertNotIn(b"something is wrong", body)
        self.assertIn("something is wrong here", self.server.log)

    def test_a_server_that_ends_leaves_none_behind(self):
        for number in signal.SIGKILL, signal.SIGTERM:
            with self.subTest(signal=number):
                script = self.script("exec sleep 1000")
                self.serve(f"snapshot.ffmpeg={script}", "snapshot.timeout=60s", "drain.timeout=0")
                self.colours()
                self.server.wait_live()
                with ThreadPoolExecutor(1) as pool:
                    asked = pool.submit(self.ask_in_vain)
                    until(lambda: self.runs(script), "it runs")
                    self.server.program.signal(number)
                    self.server.program.wait()
                    self.wait_died(self.runs(script))
                    asked.result()

    def ask_in_vain(self):
        try:
            self.get()
        except OSError:
            pass


if __name__ == "__main__":
    unittest.main()
