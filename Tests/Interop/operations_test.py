"""What an operator sees and does: the API, the metrics, the log, kicks, and `sluice check`."""

import json
import pathlib
import re
import socket
import subprocess
import unittest
import urllib.error
import urllib.request

import support
from support import BINARY, ROOT, Recorder, ServerTest, sample, until

SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (\S+)')


class ReportsTest(ServerTest):
    settings = ("publish.linger=500ms", "log.format=json")

    def metrics(self):
        """Name and labels -> value; every line is checked against the grammar."""
        found, announced = {}, set()
        for line in self.server.api("/metrics", raw=True).splitlines():
            if line.startswith("# TYPE "):
                announced.add(line.split()[2])
            if line.startswith("#"):
                continue
            match = SAMPLE.fullmatch(line)
            self.assertTrue(match, line)
            self.assertIn(match[1], announced)
            self.assertNotIn((match[1], match[2]), found)
            found[match[1], match[2]] = float(match[3])
        return found

    def test_a_stream_and_its_sessions_are_described(self):
        publisher = self.publish(sample(seconds=6))
        self.server.wait_live()
        viewers = [Recorder(self, self.server.flv()), self.record(self.server.rtmp())]
        self.server.wait_viewers(2)
        stream = until(
            lambda: (s := self.server.stream())["framesVideo"] > 90 and s["bitrateIn"] and s["bitrateOut"] and s,
            "90 frames, and rates")
        self.assertEqual(stream["publisher"]["protocol"], "rtmp")
        self.assertTrue(stream["publisher"]["address"].startswith("127.0.0.1:"))
        self.assertTrue(stream["publisher"]["agent"])
        video, audio = stream["video"], stream["audio"]
        self.assertEqual((video["codec"], video["width"], video["height"]), ("h264", 320, 180))
        self.assertTrue(video["profile"] and video["level"])
        self.assertRegex(video["codecString"], r"^avc1\.[0-9a-fA-F]{6}$")
        self.assertAlmostEqual(video["frameRate"], 30, delta=1)
        self.assertAlmostEqual(video["keyframeInterval"], 1, delta=0.1)
        self.assertEqual((audio["codec"], audio["sampleRate"], audio["channels"]), ("aac", 44100, 1))
        self.assertEqual(audio["codecString"], "mp4a.40.2")
        self.assertEqual({k: v for k, v in stream["viewers"].items() if v}, {"rtmp": 1, "http-flv": 1})
        for key in "bytesIn", "bytesOut", "bitrateIn", "bitrateOut", "logSeconds", "logBytes", "framesAudio", "uptime":
            self.assertGreater(stream[key], 0, key)
        self.assertLess(stream["sinceLastFrame"], 2)
        self.assertEqual(stream["corrections"], {"jumps": 0, "backwards": 0, "rollovers": 0})
        self.assertEqual((stream["skips"], stream["stalledOut"]), (0, 0))
        sessions = self.server.api("/api/v1/sessions?stream=live/a")["sessions"]
        self.assertEqual(sorted((s["role"], s["protocol"]) for s in sessions),
                         [("play", "http-flv"), ("play", "rtmp"), ("publish", "rtmp")])
        for session in sessions:
            self.assertEqual(self.server.api(f"/api/v1/sessions/{session['id']}")["id"], session["id"])
            self.assertLess(session["lagMilliseconds"], 3000)
            self.assertIn(session["id"], self.server.log)
        self.assert_metrics()
        publisher.succeed()
        viewers[0].wait()
        self.server.wait_gone()

    def test_an_encoder_without_keyframes_is_told_of_once(self):
        # Ten seconds of it pass in one.
        publisher = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-readrate", "10", "-f", "lavfi", "-i",
            "testsrc2=size=320x180:rate=30:duration=35", "-c:v", "libx264", "-preset", "ultrafast", "-g", "1000",
            "-keyint_min", "1000", "-sc_threshold", "0", "-f", "flv", self.server.rtmp())
        until(lambda: "stream.keyframes" in self.server.log, "it is warned of")
        [line] = [json.loads(line) for line in self.server.log.splitlines() if "stream.keyframes" in line]
        session = self.server.stream()["publisher"]["session"]
        self.assertEqual((line["level"], line["session"], line["stream"]), ("warning", session, "live/a"))
        self.assertGreater(int(line["seconds"]), 9)
        self.assertGreater(self.server.stream()["video"]["keyframeInterval"], 10)
        publisher.succeed()
        self.assertEqual(self.server.log.count("stream.keyframes"), 1)

    def assert_metrics(self):
        metrics = self.metrics()
        self.assertEqual(metrics["sluice_stream_viewers", '{stream="live/a"}'], 2)
        self.assertEqual(metrics["sluice_stream_live", '{stream="live/a"}'], 1)
        self.assertEqual(metrics["sluice_threads", None], 2)
        self.assertGreater(metrics["sluice_node_sent_bytes_total", None], 0)
        self.assertGreater(metrics["sluice_resident_memory_bytes", None], 1 << 20)

    def test_the_node_describes_itself(self):
        node = self.server.api("/api/v1/node")
        version = subprocess.run([BINARY, "version"], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertIn(node["version"], version)
        self.assertEqual((node["threads"], len(node["loops"]), node["draining"]), (2, 2, False))
        self.assertGreater(node["acceptedTotal"], 0)

    def test_unknown_resources_and_methods_are_refused(self):
        for path in "/api/v1/streams/live/none", "/api/v1/sessions/none", "/api/v1/nothing", "/nothing":
            self.assertIsNone(self.server.api(path), path)
        for method, path in ("DELETE", "/api/v1/node"), ("POST", "/metrics"):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                self.server.api(path, method)
            caught.exception.close()
            self.assertEqual(caught.exception.code, 405)
            self.assertIn("GET", caught.exception.headers["Allow"])

    def test_a_hostile_name_stays_inside_its_label_and_its_line(self):
        publisher = self.publish(sample(), 'x"\\ y')
        until(lambda: self.server.api("/api/v1/streams")["streams"], "some stream is there")
        [stream] = self.server.api("/api/v1/streams")["streams"]
        self.assertTrue(stream["name"].startswith("x"))
        self.metrics()
        for line in self.server.log.splitlines():
            json.loads(line)
        publisher.stop()
        until(lambda: not self.server.api("/api/v1/streams")["streams"], "the stream is gone")

    def test_each_log_line_is_json_with_its_session(self):
        publisher = self.publish(sample(), "logged")
        session = self.server.wait_live("logged")["publisher"]["session"]
        publisher.stop()
        self.server.wait_gone("logged")
        until(lambda: "publish.end" in self.server.log, "the end is logged")
        lines = [json.loads(line) for line in self.server.log.splitlines()]
        self.assertTrue(all({"time", "level", "event"} <= line.keys() for line in lines))
        events = [line["event"] for line in lines if line.get("session") == session]
        self.assertEqual([e for e in events if e.startswith("publish")], ["publish.start", "publish.end"])


class KickTest(ServerTest):
    settings = ("publish.linger=500ms",)

    def test_a_kicked_viewer_leaves_and_the_others_stay(self):
        publisher = self.publish(sample(seconds=5))
        self.server.wait_live()
        viewers = [Recorder(self, self.server.flv()), self.record(self.server.rtmp())]
        self.server.wait_viewers(2)
        victim = next(s for s in self.server.sessions("play") if s["protocol"] == "rtmp")
        self.server.api(f"/api/v1/sessions/{victim['id']}", "DELETE")
        self.server.wait_viewers(1)
        viewers[1].wait()
        self.assertIsNone(self.server.api(f"/api/v1/sessions/{victim['id']}"))
        publisher.succeed()
        self.assertGreater(len(support.packets(viewers[0].path, "v")), 60)
        self.assertIsNone(self.server.api(f"/api/v1/sessions/{victim['id']}", "DELETE"))
        viewers[0].wait()
        self.server.wait_gone()

    def test_a_kicked_stream_ends_for_publisher_and_viewers(self):
        publisher = self.publish(sample(seconds=10), "kicked")
        self.server.wait_live("kicked")
        viewers = [Recorder(self, self.server.flv("kicked")), self.record(self.server.rtmp("kicked"))]
        self.server.wait_viewers(2, "kicked")
        self.server.api("/api/v1/streams/live/kicked", "DELETE")
        publisher.wait()
        viewers[0].wait()
        viewers[1].wait()
        self.server.wait_gone("kicked")


class CheckTest(unittest.TestCase):
    def check(self, text, *more):
        path = pathlib.Path(support.SCRATCH.name) / "checked.yaml"
        path.write_text(text)
        done = subprocess.run(
            [BINARY, "check", str(path), *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        return done.returncode, done.stdout.decode()

    def test_the_shipped_configuration_is_good(self):
        status, output = self.check((ROOT / "conf/sluice.yaml").read_text())
        self.assertEqual(status, 0, output)

    def test_mistakes_name_the_file_the_line_and_the_key(self):
        table = [
            ("threads: 1\nplay:\n  wiat: 10s\n", "3", "wiat"),
            ("threads: many\n", "1", "threads"),
            ("threads: 1\nrtmp:\n  listen: 127.0.0.1:99999\n", "3", "rtmp.listen"),
            ("publish:\n  takeover: perhaps\n", "2", "publish.takeover"),
            ("play:\n  wait: -1s\n", "2", "play.wait"),
            ("threads: 1\nthreads: 2\n", "2", "threads"),
            ("play:\n  wait: [1s\n", None, "checked.yaml"),
        ]
        for text, line, key in table:
            with self.subTest(text):
                status, output = self.check(text)
                self.assertNotEqual(status, 0, output)
                self.assertIn("checked.yaml", output)
                self.assertIn(key, output)
                if line:
                    self.assertRegex(output, rf"\b{line}\b")

    def test_a_wrong_override_is_refused_before_anything_listens(self):
        done = subprocess.run(
            [BINARY, "serve", "--set", "no.such=1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"no.such", done.stdout)

    def test_a_busy_port_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = subprocess.run(
                [BINARY, "serve", "--set", f"rtmp.listen=127.0.0.1:{port}"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(port).encode(), done.stdout)


class WebTest(ServerTest):
    def get(self, url, method="GET", **headers):
        request = urllib.request.Request(url, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()

    def test_the_page_and_its_list_are_served_without_outside_help(self):
        status, headers, body = self.get(self.server.page())
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/html"))
        self.assertNotRegex(body.decode(), r"""(?:src|href)=["']?(?:https?:)?//""")
        publisher = self.publish(sample(), "listed")
        self.server.wait_live("listed")
        listing = json.loads(self.get(self.server.page("/streams.json"))[2])["streams"]
        self.assertEqual([(s["app"], s["name"]) for s in listing], [("live", "listed")])
        self.assertNotIn("127.0.0.1", json.dumps(listing))
        status, headers, body = self.get(self.server.flv("listed"), "HEAD")
        self.assertEqual((status, headers["Content-Type"], body), (200, "video/x-flv", b""))
        publisher.stop()

    def test_other_origins_may_play(self):
        status, headers, _ = self.get(self.server.flv(), "OPTIONS", Origin="http://player.example")
        self.assertIn(status, (200, 204))
        self.assertIn(headers["Access-Control-Allow-Origin"], ("*", "http://player.example"))


if __name__ == "__main__":
    unittest.main()
