"""Streams that are pushed to other servers: by the settings and by the API, over RTMP, RTMPS and SRT, to what people use."""

import json
import pathlib
import shutil
import time
import unittest
import urllib.error
import urllib.request

import support
from support import Recorder, Server, ServerTest, kill, packets, sample, until
from tls_test import certificate
from transport import pictures

KEY = "live_5up3r-s3cr3t"
# Pictures that a push may miss at its ends: up to the first keyframe, and what is on its way when the source stops.
CUT = 35


class PushTest(ServerTest):
    settings = ("publish.linger=500ms",)

    def post(self, body, name="a", server=None, headers=()):
        """The answer's status and JSON."""
        port = (server or self.server).api_port
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/streams/live/{name}/pushes", method="POST",
            data=body if isinstance(body, bytes) else json.dumps(body).encode(), headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=support.DEADLINE) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def push(self, url, name="a", server=None, title=""):
        status, report = self.post({"url": url, "name": title}, name, server)
        self.assertEqual(status, 201, report)
        return report["id"]

    def pushes(self, name="a", server=None):
        return (server or self.server).api(f"/api/v1/streams/live/{name}/pushes")["pushes"]

    def wait_state(self, state, name="a", id=None, server=None, seconds=support.DEADLINE):
        def found():
            matching = [p for p in self.pushes(name, server) if id in (None, p["id"])]
            return matching and matching[0]["state"] == state and matching[0]
        return until(found, f"the push of {name} is {state}", seconds)

    def delete(self, id, name="a"):
        return self.server.api(f"/api/v1/streams/live/{name}/pushes/{id}", method="DELETE", raw=True)

    def other(self, *settings):
        server = Server((*self.settings, *settings))
        self.addCleanup(server.stop)
        return server

    def assert_part(self, original, path, kind="v", cut=CUT):
        """What came is a part of the original without a gap, and nearly all of it."""
        whole, part = packets(original, kind), packets(path, kind)
        self.assertGreater(len(part), len(whole) - cut, kind)
        self.assertTrue(any(part == whole[at:at + len(part)] for at in range(len(whole) - len(part) + 1)), kind)


class ServersTest(PushTest):
    """To other servers of the same kind."""

    @classmethod
    def setUpClass(cls):
        cls.destination = Server(cls.settings)
        cls.addClassCleanup(cls.destination.stop)
        url = f"rtmp://127.0.0.1:{cls.destination.rtmp_port}/live/{{stream}}"
        cls.settings = (*cls.settings, f"apps.live/set.push=next={url}", f"apps.live/kept.push={url}")
        super().setUpClass()

    def test_the_settings_send_a_stream_on_frame_for_frame(self):
        recorder = self.record(self.destination.flv("set"))
        self.destination.wait_viewers(1, "set")
        publisher = self.publish(sample(seconds=6), "set")
        push = self.wait_state("live", "set")
        self.assertEqual((push["source"], push["name"]), ("settings", "next"))
        self.assertEqual(push["url"], f"rtmp://127.0.0.1:{self.destination.rtmp_port}/live/{{stream}}")
        [session] = self.server.sessions("play", "set")
        self.assertEqual((session["id"], session["agent"]), (push["session"], "push " + push["url"]))
        # Its metadata was marked as the server's to keep, or a late viewer would not be told.
        self.assertEqual(self.destination.wait_live("set")["video"]["width"], 320)
        publisher.succeed()
        recorder.wait(40)
        for kind in "va":
            self.assert_part(sample(seconds=6), recorder.path, kind, cut=5 if kind == "v" else 10)
        until(lambda: not self.pushes("set"), "it ends with its stream")
        self.assertIn("reason=unpublished", self.destination.log)
        # And begins again with it.
        self.publish(sample(), "set").succeed()
        self.assertEqual(self.server.log.count("push.live stream=live/set"), 2, self.server.log)

    def test_the_api_adds_and_ends_pushes_of_a_running_stream_and_no_viewer_notices(self):
        viewer = Recorder(self, self.server.flv("run"))
        publisher = self.publish(sample(seconds=8), "run")
        self.server.wait_live("run")
        id = self.push(f"rtmp://127.0.0.1:{self.destination.rtmp_port}/live/{KEY}", "run", title="Site")
        push = self.wait_state("live", "run")
        self.destination.wait_live(KEY)
        push = until(lambda: (p := self.pushes("run")[0])["frames"] > 60 and p, "frames are sent")
        self.assertGreater(push["bytesOut"], 10_000)
        self.assertEqual((push["skips"], push["connections"], push["attempt"], push["error"]), (0, 1, 1, ""))
        self.assertEqual(push["name"], "Site")
        self.assertEqual(self.server.api(f"/api/v1/streams/live/run/pushes/{id}")["id"], id)
        self.delete(id, "run")
        until(lambda: not self.pushes("run"), "it is gone")
        self.destination.wait_gone(KEY)
        self.assertIsNone(self.delete(id, "run"))
        publisher.succeed()
        original = support.media(pathlib.Path(sample(seconds=8)).read_bytes())
        self.assertEqual([tag[2] for tag in support.media(viewer.wait(40))], [tag[2] for tag in original])
        # Nobody who reads the log or asks the API learns the key.
        self.assertNotIn(KEY, self.server.log)
        self.assertIn("/live/***", self.server.log)

    def test_it_waits_for_its_stream_again_and_again(self):
        id = self.push(f"rtmp://127.0.0.1:{self.destination.rtmp_port}/live/{{stream}}-out", "late")
        self.assertEqual(self.pushes("late")[0]["state"], "waiting")
        for _ in range(2):
            publisher = self.publish(sample(seconds=3), "late")
            self.wait_state("live", "late")
            self.destination.wait_live("late-out")
            publisher.succeed()
            push = self.wait_state("waiting", "late")
            self.destination.wait_gone("late-out")
        self.assertEqual((push["connections"], push["id"]), (2, id))
        self.delete(id, "late")

    def test_a_destination_that_dies_and_comes_back_is_sent_the_stream_again(self):
        destination = self.other()
        publisher = self.publish(sample(seconds=30), "drill")
        self.server.wait_live("drill")
        self.push(f"rtmp://127.0.0.1:{destination.rtmp_port}/live/{KEY}", "drill")
        self.wait_state("live", "drill")
        destination.wait_live(KEY)
        kill(destination.program)
        push = self.wait_state("retrying", "drill")
        self.assertLessEqual(push["nextTry"], 1.5)
        self.assertTrue(push["error"])
        push = until(lambda: (p := self.pushes("drill")[0])["attempt"] > 1 and p["state"] == "retrying" and p, "2nd call")
        self.assertRegex(push["error"], "cannot connect to 127.0.0.1")
        destination.start_again()
        push = self.wait_state("live", "drill", seconds=30)
        self.assertEqual(push["connections"], 2)
        destination.wait_live(KEY)
        publisher.stop()

    def test_a_refusal_is_told_and_tried_again_later(self):
        destination = self.other("publish.takeover=never")
        occupant = self.program(
            "ffmpeg", "-loglevel", "warning", "-nostdin", "-re", "-i", sample(seconds=20), "-c", "copy", "-f", "flv",
            destination.rtmp(KEY))
        destination.wait_live(KEY)
        publisher = self.publish(sample(seconds=20), "unwanted")
        self.server.wait_live("unwanted")
        self.push(f"rtmp://127.0.0.1:{destination.rtmp_port}/live/{KEY}", "unwanted")
        push = self.wait_state("retrying", "unwanted")
        self.assertIn("NetStream.Publish.BadName", push["error"])
        self.assertGreater(push["nextTry"], 15)
        self.assertNotIn(KEY, json.dumps(push) + self.server.log)
        occupant.stop(), publisher.stop()

    def test_what_cannot_be_pushed_is_refused_with_words_and_without_the_key(self):
        url = f"rtmp://127.0.0.1:1/live/{KEY}"
        for body, status in [
                (b"", 400), (b"{}", 400), ({"url": f"http://h/{KEY}/b"}, 400), ({"url": f"rtmp://h/{KEY}"}, 400),
                ({"url": f"srt://h:1?{KEY}=1"}, 400), ({"url": url, "key": KEY}, 400)]:
            got, answer = self.post(body, "bad")
            self.assertEqual(got, status, body)
            self.assertNotIn(KEY, answer["error"])
        id = self.push(url, "bad")
        self.assertEqual(self.post({"url": url, "name": "again"}, "bad")[0], 409)
        foreign = {"Origin": "http://evil.example"}
        self.assertEqual(self.post({"url": url}, "worse", headers=foreign)[0], 403)
        self.assertEqual(self.pushes("worse"), [])
        self.delete(id, "bad")
        until(lambda: not self.pushes("bad"), "it is gone")
        for number in range(32):
            self.push(f"{url}{number}", "many")
        self.assertEqual(self.post({"url": url}, "many")[0], 409)
        everywhere = self.server.api("/api/v1/pushes")["pushes"]
        self.assertEqual(sum(push["stream"] == "many" for push in everywhere), 32)
        for push in self.pushes("many"):
            self.delete(push["id"], "many")

    def test_one_from_the_settings_that_is_ended_stays_so_until_its_stream_is_over(self):
        publisher = self.publish(sample(seconds=3), "kept")
        push = self.wait_state("live", "kept")
        self.delete(push["id"], "kept")
        self.wait_state("stopped", "kept")
        self.destination.wait_gone("kept")
        publisher.succeed()
        until(lambda: not self.pushes("kept"), "it is forgotten with its stream")


class ProgramsTest(PushTest):
    """To servers of others."""

    def test_ffmpeg_listens_for_a_push(self):
        [port] = support.free_ports(1)
        path = self.scratch(".flv")
        self.push(f"rtmp://127.0.0.1:{port}/app/{KEY}", "heard", title="ffmpeg")
        program = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-listen", "1", "-f", "flv", "-i",
            f"rtmp://127.0.0.1:{port}/app/{KEY}", "-c", "copy", path)
        self.listening(port, program)
        publisher = self.publish(sample(seconds=8), "heard")
        self.wait_state("live", "heard")
        publisher.succeed()
        program.succeed()
        self.assert_part(sample(seconds=8), path)

    def listening(self, port, program):
        # Without a connection that ffmpeg would take for its one.
        want = f":{port:04X} "
        until(lambda: want in pathlib.Path("/proc/net/tcp").read_text() or program.is_over, "it listens")
        self.assertFalse(program.is_over, program)

    def test_nginx_takes_a_push(self):
        module = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
        nginx = support.tool("nginx")
        if not pathlib.Path(module).exists():
            self.skipTest("nginx has no rtmp module") if support.OPTIONAL else self.fail("nginx has no rtmp module")
        [port] = support.free_ports(1)
        folder = pathlib.Path(self.scratch("-nginx"))
        folder.unlink()
        folder.mkdir()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        (folder / "nginx.conf").write_text(f"""
            load_module {module};
            daemon off; master_process off; pid {folder}/pid; error_log stderr info;
            events {{ worker_connections 64; }}
            rtmp {{ server {{ listen 127.0.0.1:{port}; application in {{ live on; }} }} }}""")
        program = self.program(nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr")
        self.listening(port, program)
        self.push(f"rtmp://127.0.0.1:{port}/in/{{stream}}", "web")
        recorder = self.record(f"rtmp://127.0.0.1:{port}/in/web")
        publisher = self.publish(sample(seconds=8), "web")
        self.wait_state("live", "web")
        publisher.succeed()
        self.wait_state("waiting", "web")
        until(lambda: "deleteStream" in program.output or "disconnect" in program.output, "nginx sees it end")
        recorder.stop()
        # The last packet was on its way to the file.
        whole, part = packets(sample(seconds=8), "v"), packets(recorder.path, "v")[:-1]
        self.assertGreater(len(part), 100)
        self.assertTrue(any(part == whole[at:at + len(part)] for at in range(len(whole))))

    def test_srt_listeners_take_pushes_with_and_without_a_passphrase(self):
        one, two = support.free_ports(2)
        paths = [self.scratch(".ts") for _ in range(2)]
        secret = "correct-horse-battery"
        self.program(
            "sh", "-c", f"exec {support.tool('srt-live-transmit')} -q -a:no "
            f"'srt://127.0.0.1:{one}?mode=listener&passphrase={secret}' file://con > {paths[0]}")
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-i",
            f"srt://127.0.0.1:{two}?mode=listener", "-c", "copy", paths[1])
        publisher = self.publish(sample(seconds=8), "far")
        self.server.wait_live("far")
        ids = [
            self.push(f"srt://127.0.0.1:{one}?streamid={KEY}&passphrase={secret}", "far"),
            self.push(f"srt://127.0.0.1:{two}?latency=80", "far")]
        for id in ids:
            push = self.wait_state("live", "far", id)
        self.assertEqual(push["frames"], None)
        publisher.succeed()
        for id in ids:
            push = self.wait_state("waiting", "far", id)
            self.assertGreater(push["bytesOut"], 100_000)
        for path in paths:
            until(lambda: len(pictures(path)) > 100, "the pictures have come")
        self.assertNotIn(secret, self.server.log + json.dumps(self.pushes("far")))
        self.assertNotIn(KEY, self.server.log + json.dumps(self.pushes("far")))

    def test_a_wrong_passphrase_is_a_refusal(self):
        [port] = support.free_ports(1)
        self.program(
            support.tool("srt-live-transmit"), "-q", "-a:no", f"srt://127.0.0.1:{port}?mode=listener&passphrase=0123456789",
            "file://con")
        publisher = self.publish(sample(seconds=20), "shut")
        self.server.wait_live("shut")
        self.push(f"srt://127.0.0.1:{port}?passphrase=9876543210", "shut")
        push = self.wait_state("retrying", "shut")
        self.assertRegex(push["error"], "rejects the SRT call")
        self.assertGreater(push["nextTry"], 15)
        publisher.stop()

    def test_who_takes_nothing_is_skipped_and_let_go_and_called_again(self):
        server = self.other("play.stall_timeout=3s", "retention.time=2s")
        [port] = support.free_ports(1)
        program = self.program("python3", "-c", SILENT, str(port), str(pathlib.Path(__file__).parent))
        self.listening(port, program)
        viewer = Recorder(self, server.flv("slow"))
        big = self.big_sample()
        publisher = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-i", big, "-c", "copy", "-f", "flv",
            server.rtmp("slow"))
        server.wait_live("slow")
        self.push(f"rtmp://127.0.0.1:{port}/app/{KEY}", "slow", server)
        self.wait_state("live", "slow", server=server)
        push = self.wait_state("retrying", "slow", server=server, seconds=40)
        self.assertIn("took nothing", push["error"])
        self.assertGreater(push["skips"], 0)
        self.assertGreater(push["framesMissed"], 0)
        self.assertIn(f"sluice_push_missed_frames_total {push['framesMissed']}\n", server.api("/metrics", raw=True))
        publisher.succeed(60)
        original = [tag[2] for tag in support.media(pathlib.Path(big).read_bytes())]
        seen = [tag[2] for tag in support.media(viewer.wait(40))]
        self.assertGreater(len(seen), 0.9 * len(original))
        self.assertEqual(seen, original[:len(seen)])

    def big_sample(self):
        """Some 8 Mbit/s: in its time more than sockets hold for one that does not read."""
        path = self.scratch(".flv")
        support.ffmpeg(
            "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=14", "-vf", "noise=alls=80:allf=t", "-c:v",
            "libx264", "-preset", "ultrafast", "-g", "30", "-b:v", "8M", "-maxrate", "8M", "-bufsize", "4M", "-pix_fmt", "yuv420p", "-f", "flv", path)
        return path


# Takes a publisher as a server does, then reads nothing more. The message stream is not the usual one.
SILENT = """
import socket, sys, time
sys.path.insert(0, sys.argv[2])
from rtmp_client import amf, message
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
kept = []
while True:
    client, _ = listener.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    got = b""
    def until(*words):
        global got
        while not all(word in got for word in words):
            block = client.recv(65536)
            if not block: raise SystemExit("closed")
            got += block
    while len(got) < 1537: got += client.recv(65536)
    client.sendall(b"\\3" + bytes(1536) + got[1:1537])
    until(b"connect")
    client.sendall(message(20, amf("_result") + amf(1) + amf({}) + amf({"level": "status"})))
    until(b"createStream")
    client.sendall(message(20, amf("_result") + amf(4) + amf(None) + amf(7)))
    until(b"publish\\0")
    client.sendall(message(20, amf("onStatus") + amf(0) + amf(None) + amf(
        {"level": "status", "code": "NetStream.Publish.Start"}), stream=7))
    kept.append(client)
"""


class SealedTest(PushTest):
    """RTMPS, with a destination that has several certificates."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(support.SCRATCH.name) / f"push-{time.monotonic_ns()}"
        cls.folder.mkdir()
        shown, asked = (certificate(cls.folder, name, host) for name, host in (
            ("shown", "other.example"), ("asked", "localhost")))
        [cls.port] = support.free_ports(1)
        cls.destination = Server((
            *cls.settings, f"tls.certificates={shown[0]},{asked[0]}", f"tls.keys={shown[1]},{asked[1]}",
            f"rtmp.tls_listen=127.0.0.1:{cls.port}"))
        cls.addClassCleanup(cls.destination.stop)
        cls.settings = (*cls.settings, f"tls.authorities={cls.folder}/asked.pem")
        super().setUpClass()

    def test_a_stream_goes_sealed_to_a_server_that_shows_the_right_certificate(self):
        recorder = self.record(self.destination.flv(KEY))
        self.destination.wait_viewers(1, KEY)
        self.push(f"rtmps://localhost:{self.port}/live/{KEY}?token=abcdef", "sealed")
        publisher = self.publish(sample(seconds=6), "sealed")
        push = self.wait_state("live", "sealed")
        self.assertEqual(push["url"], f"rtmps://localhost:{self.port}/live/***?***")
        publisher.succeed()
        recorder.wait(40)
        for kind in "va":
            self.assert_part(sample(seconds=6), recorder.path, kind)
        self.assertNotIn("abcdef", self.server.log)

    def test_a_certificate_of_nobody_or_of_somebody_else_is_refused(self):
        stranger = self.other(f"tls.authorities={self.folder}/shown.pem")
        unarmed = Server(("publish.linger=500ms",))
        self.addCleanup(unarmed.stop)
        for server in stranger, unarmed:
            publisher = self.program(
                "ffmpeg", "-loglevel", "warning", "-nostdin", "-re", "-i", sample(seconds=20), "-c", "copy", "-f", "flv",
                server.rtmp("x"))
            server.wait_live("x")
            self.push(f"rtmps://localhost:{self.port}/live/{KEY}", "x", server)
            push = self.wait_state("retrying", "x", server=server)
            self.assertIn("not trusted", push["error"])
            self.assertTrue(push["error"].startswith("TLS:"), push)
            self.assertGreater(push["nextTry"], 15)
            self.assertEqual(push["connections"], 0)
            publisher.stop()


if __name__ == "__main__":
    unittest.main()
