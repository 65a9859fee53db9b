"""Windows of streams on a disk: how files are sent, what operators see, and disks that are full, broken or tampered with."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

from hls_checker import RecordedChecker
from http2_client import HTTP2Client
from rewind_server import RewindServerTest
from support import DEADLINE, ROOT, SCRATCH, free_ports, until


class RewindDiskTest(RewindServerTest):
    def encode_large(self):
        """Segments of more than a megabyte; returns the name and the bytes of one that is on the disk alone."""
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            "testsrc2=size=640x360:rate=30", "-vf", "noise=alls=100:allf=t", "-c:v", "libx264", "-preset", "ultrafast",
            "-qp", "10", "-g", "30", "-pix_fmt", "yuv420p", "-f", "flv", self.server.rtmp())
        names = until(self.live, "there is a live playlist")
        bodies = {name: self.get(name).body for name in names}
        name, body = max(bodies.items(), key=lambda item: len(item[1]))
        self.assertGreater(len(body), 1_000_000)
        self.wait_window(14)
        self.assertNotIn(name, self.live())
        return name, body

    def test_large_segments_come_in_pieces_whole_and_in_ranges_over_both_protocols(self):
        folder = tempfile.mkdtemp(dir=SCRATCH.name)
        subprocess.run(
            [ROOT / "tools/certificates", folder, "localhost", "127.0.0.1"], check=True, capture_output=True)
        [port] = free_ports(1)
        self.serve(
            "hls.form=fmp4", f"http.tls_listen=127.0.0.1:{port}", f"tls.certificates={folder}/server.pem",
            f"tls.keys={folder}/server.key")
        name, body = self.encode_large()
        checker = RecordedChecker(self.server.page("/live/a/window.m3u8"))
        self.addCleanup(checker.client.close)
        checker.check_caching(name)
        self.assertEqual(checker.broken, [])
        size = len(body)
        for first, last in (
                (0, size - 1), (131_071, 131_072), (131_072, 400_000), (100, 262_144), (size - 200_000, size - 1)):
            answer = self.get(name, Range=f"bytes={first}-{last}")
            self.assertEqual((answer.status, answer.body), (206, body[first:last + 1]))
            self.assertEqual(answer.headers["content-range"], f"bytes {first}-{last}/{size}")
        second = HTTP2Client(port)
        self.addCleanup(second.close)
        head = second.ask(f"/live/a/{name}", "HEAD")
        asked = [second.ask(f"/live/a/{name}") for _ in range(5)]
        part = second.ask(f"/live/a/{name}", range="bytes=1000-300000")
        second.wait(head, *asked, part)
        self.assertEqual(second.bodies[head], b"")
        for stream in asked:
            self.assertEqual(second.bodies[stream], body)
        self.assertEqual(second.bodies[part], body[1000:300_001])
        # Several requests behind one another on one connection.
        request = f"GET /live/a/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self.server.http_port), DEADLINE) as made:
            made.sendall(2 * request + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answers = b"".join(iter(lambda: made.recv(65536), b""))
        self.assertEqual(answers.count(body), 3)
        # Who goes away in the middle leaves nothing behind.
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.server.http_port), DEADLINE) as made:
                made.sendall(request)
                made.recv(1000)
        self.assertEqual(self.get(name).body, body)

    def test_who_takes_nothing_costs_two_pieces_and_no_more(self):
        self.serve("hls.form=fmp4", "play.stall_timeout=10m")
        name, body = self.encode_large()
        before = self.server.api("/api/v1/node")["memoryBytes"]
        slow = []
        for _ in range(200):
            made = socket.socket()
            self.addCleanup(made.close)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.connect(("127.0.0.1", self.server.http_port))
            made.sendall(f"GET /live/a/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            slow.append(made)
        for made in slow:
            made.settimeout(DEADLINE)
            self.assertTrue(made.recv(16).startswith(b"HTTP/1.1 200"))
        grown = self.server.api("/api/v1/node")["memoryBytes"] - before
        print(f"200 who take nothing of {len(body)} bytes: {grown / 1e6:.1f} MB", flush=True)
        self.assertLess(grown, 100e6)

    def test_the_api_and_the_metrics_say_what_is_kept(self):
        self.serve()
        publisher = self.encode()
        self.wait_window(4)

        def agrees():
            kept, folder = self.kept(), self.root / "live" / "a"
            files = [p for p in folder.iterdir() if p.suffix in (".m4s", ".mp4")]
            window = self.window()
            return (kept["bytes"] == sum(p.stat().st_size for p in files) and kept["segments"] == len(window.segments)
                    and abs(kept["oldest"] - window.segments[0].date) < 0.01 and (kept, window))
        kept, window = until(agrees, "the API says what is there")
        self.assertEqual((kept["state"], kept["window"], kept["error"]), ("keeping", 3600, None))
        self.assertAlmostEqual(kept["newest"] - kept["oldest"], window.seconds, delta=0.5)
        self.assertEqual(self.server.stream()["rewind"]["state"], "keeping")
        metrics = self.server.api("/metrics", raw=True)
        for name, value in (
                ("rewind_windows", "1"), ("rewind_paused", "0"),
                ('stream_rewind_window_seconds{stream="live/a"}', "3600")):
            self.assertIn(f"\nsluice_{name} {value}\n", metrics)
        for name in "rewind_bytes", 'stream_rewind_bytes{stream="live/a"}', 'stream_rewind_oldest_seconds{stream="live/a"}':
            self.assertRegex(metrics, rf"\nsluice_{re.escape(name)} [1-9]\d+")
        publisher.stop()
        self.wait_end()
        self.assertEqual(self.kept()["state"], "ended")
        node = self.server.api("/api/v1/node")["rewind"]
        self.assertEqual((node["windows"], node["paused"], node["failures"]), (1, 0, {}))
        self.assertIsNone(self.kept("nobody"))

    def test_a_full_disk_makes_a_hole_and_live_viewers_notice_nothing(self):
        place = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place], stderr=subprocess.PIPE).returncode:
            self.skipTest("mounting is not permitted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=False)
        self.serve(root=place)
        self.encode()
        viewer = self.record(self.server.flv())
        until(lambda: "rewind.paused" in self.server.log, "it is full")
        self.assertIn("code=disk_full", self.server.log)
        window, now = self.window(), self.live()
        self.leave_live(now)
        self.assertEqual(self.window().names, window.names)
        self.assertEqual([p for p in place.rglob("*.unfinished")], [])
        kept = self.kept()
        self.assertEqual(kept["state"], "paused")
        self.assertIn("full", kept["error"])
        self.assertIn('sluice_rewind_failures_total{reason="disk_full"} 1\n', self.server.api("/metrics", raw=True))
        self.assertFalse(viewer.is_over)

    def test_a_disk_that_fails_touches_nothing_live(self):
        root = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        # A file where the application's folder is to be: for whoever the server runs as.
        (root / "live").write_text("")
        self.serve(root=root)
        self.encode()
        until(lambda: "rewind.paused" in self.server.log, "it fails")
        self.assertIn("code=disk_error", self.server.log)
        self.leave_live(until(self.live, "there is a live playlist"))
        self.assertEqual(self.get("window.m3u8").status, 404)
        self.assertEqual(self.get("rewind.m3u8").status, 404)
        self.assertEqual(self.kept()["state"], "paused")

    def test_files_that_are_gone_or_cut_off_are_answered(self):
        self.serve("hls.form=fmp4")
        publisher = self.encode()
        self.wait_window(4)
        publisher.stop()
        window = self.wait_end()
        folder = self.root / "live" / "a"
        files = sorted(folder.glob("*.m4s"), key=lambda path: int(path.name.split("-")[0]))
        files[1].unlink()
        os.truncate(files[2], 1000)
        until(lambda: self.get(window.names[1]).status == 404, "it is on the disk alone", 60)
        until(lambda: self.get(window.names[2]).status == 404, "it is on the disk alone", 60)
        self.assertEqual(self.get(window.names[0]).status, 200)

    def test_space_that_is_to_be_left_shortens_the_window(self):
        place = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], stderr=subprocess.PIPE).returncode:
            self.skipTest("mounting is not permitted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=False)
        self.serve("rewind.min_free=500KiB", root=place)
        self.encode()
        first = self.wait_window(2)
        until(lambda: self.window().number > first.number, "the oldest are gone", 60)
        self.assertIn("rewind.shortened", self.server.log)
        self.assertNotIn("rewind.paused", self.server.log)
        until(lambda: self.get(first.names[0]).status == 404, "it is gone from memory, too")

    def test_a_way_out_of_the_folder_leads_nowhere(self):
        self.serve("hls.form=fmp4")
        secret = self.root.parent / f"secret-{self.root.name}"
        secret.mkdir()
        (secret / "1-1-1-1000-1000000-1-5-0.m4s").write_text("taken")
        publisher = self.encode()
        self.wait_window(2)
        file = next((self.root / "live" / "a").glob("*.m4s")).name
        for path in (
                "/live/../a/window.m3u8", "/live/%2e%2e/window.m3u8", f"/../{secret.name}/1.m4s",
                f"/live/..%2f..%2f{secret.name}/1.m4s", f"/..%2f{secret.name}/a/1.m4s", "/live/a/..%2f..%2f..%2fetc%2fpasswd",
                f"/%2e%2e/{secret.name}/1.m4s", f"/live%2f../{secret.name}/1.m4s", f"/live/a/{file}", f"/live/a/../a/{file}",
                "/live/a/%00/window.m3u8", "/live/a%00/1.m4s", "/live/a/init-../../../etc/passwd.mp4", "//window.m3u8",
                f"/live/a/{self.root}/live/a/{file}", "/live/a/window.m3u8/../../../../etc/passwd"):
            with self.subTest(path=path), socket.create_connection(("127.0.0.1", self.server.http_port), 20) as made:
                made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda: made.recv(65536), b""))
                self.assertIn(answer.split(b" ")[1], (b"400", b"404"), path)
                self.assertNotIn(b"taken", answer)
                self.assertNotIn(b"root:", answer)
        publisher.stop()
        # Names that would lead elsewhere are published below the folder, under others.
        self.encode("..")
        until(lambda: [p for p in self.root.rglob("*.m4s") if p.parent.name not in ("a", "..")], "it is kept")
        self.assertEqual([p.name for p in self.root.iterdir()], ["live"])
        self.assertEqual([p.name for p in secret.iterdir()], ["1-1-1-1000-1000000-1-5-0.m4s"])


if __name__ == "__main__":
    unittest.main()
