"""Streams on disk: files that real players open while they are written, cut, named, indexed, and kept within limits;
and a disk that is full, or a server that is killed, costs nobody but the recording anything."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import support
from support import DEADLINE, SCRATCH, Recorder, Server, ServerTest, media, packets, sample, tool, until


def folder():
    return pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name, prefix="recorded-"))


def probe(path):
    """What ffprobe finds in a file: its streams' codecs, and how many video packets it can read."""
    done = subprocess.run(
        [tool("ffprobe"), "-v", "error", "-count_packets", "-show_entries",
         "stream=codec_type,codec_name,nb_read_packets,start_time:format=format_name", "-of", "json", path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return json.loads(done.stdout or "{}"), done.stderr.decode(errors="replace")


def pictures(path):
    found, _ = probe(path)
    return max((int(s.get("nb_read_packets", 0)) for s in found.get("streams", ()) if s["codec_type"] == "video"),
               default=0)


def decode_errors(path):
    return subprocess.run(
        [tool("ffmpeg"), "-v", "error", "-i", path, "-f", "null", "-"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr.decode(errors="replace")


def index(root, app="live", stream="a"):
    path = root / app / stream / "index.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class RecordTest(ServerTest):
    """Each test with a server and a folder of its own."""

    def serve(self, *settings, root=None):
        self.root = root or folder()
        self.server = Server((f"record.path={self.root}", "publish.linger=0", *settings))
        self.addCleanup(self.server.stop)
        return self.server

    @classmethod
    def setUpClass(cls):
        pass

    def unfinished(self, app="live", stream="a"):
        return sorted(
            path for path in (self.root / app / stream).rglob("*.recording.*") if path.suffix in (".mp4", ".flv", ".ts"))

    def recording(self, name="a"):
        return (self.server.stream(name) or {}).get("recording")

    def api(self, path, method, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.api_port}/api/v1/streams/live/{path}/recording", method=method,
            data=body)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


class FormatTest(RecordTest):
    def record_all_of(self, form, extension, video="h264"):
        self.serve(f"record.format={form}")
        source = sample(seconds=4)
        publisher = self.publish(source)
        self.server.wait_live()
        [file] = until(self.unfinished, "a file is being written")
        self.assertEqual(file.suffix, "." + extension)
        until(lambda: pictures(file) >= 30, "a player reads what has been written so far")
        self.assertFalse(publisher.is_over, "it was read while it was written")
        publisher.succeed()
        [entry] = until(lambda: index(self.root), "the file is in the index")
        self.assertEqual(entry["reason"], "ended")
        self.assertEqual(entry["format"], form)
        self.assertEqual(len(entry["tracks"]), 2)
        self.assertTrue(entry["tracks"][0].startswith("avc1."))
        self.assertGreater(int(entry["epoch"]), 1_000_000)
        self.assertEqual(self.unfinished(), [])
        path = self.root / "live/a" / entry["file"]
        self.assertEqual(path.stat().st_size, entry["bytes"])
        self.assertEqual(pictures(path), 120)
        self.assertEqual(decode_errors(path), "")
        return path, source

    def test_fragmented_mp4_holds_every_packet_and_plays_while_it_is_written(self):
        path, source = self.record_all_of("fmp4", "mp4")
        self.assertEqual(packets(path, "v"), packets(source, "v"))
        self.assertEqual(packets(path, "a"), packets(source, "a"))

    def test_flv_holds_every_packet_and_plays_while_it_is_written(self):
        path, source = self.record_all_of("flv", "flv")
        self.assertEqual(packets(path, "v"), packets(source, "v"))
        self.assertEqual(packets(path, "a"), packets(source, "a"))

    def test_a_transport_stream_holds_every_picture_and_plays_while_it_is_written(self):
        self.record_all_of("ts", "ts")


class CutTest(RecordTest):
    def test_files_are_cut_by_duration_named_by_the_pattern_and_lose_nothing_between_them(self):
        self.serve(
            "record.format=flv", "record.duration=1s",
            "record.pattern={stream}/of-{app}/{year}/{unix}-{epoch}-{number}.{ext}")
        source = sample(seconds=4)
        self.publish(source).succeed()
        self.server.wait_gone()
        home = self.root / "a/of-live"
        entries = until(
            lambda: [json.loads(line) for line in (home / "index.jsonl").read_text().splitlines()]
            if (home / "index.jsonl").exists() and not list(home.rglob("*.recording.*")) else None, "the index is there")
        self.assertEqual([entry["reason"] for entry in entries], ["duration"] * 3 + ["ended"])
        for number, entry in enumerate(entries, 1):
            year, name = entry["file"].split("/")
            self.assertRegex(year, r"^20\d\d$")
            self.assertRegex(name, rf"^\d{{10}}-[0-9a-f]+-{number:04}\.flv$")
            self.assertEqual(name.split("-")[1], f"{int(entry['epoch']):x}")
        together = [packet for entry in entries for packet in packets(home / entry["file"], "v")]
        self.assertEqual(together, packets(source, "v"))
        for before, after in zip(entries, entries[1:]):
            self.assertEqual(int(after["first_sequence"]), int(before["last_sequence"]) + 1)

    def test_a_publisher_that_comes_back_begins_another_file(self):
        self.serve("record.format=fmp4", "publish.linger=10s")
        for _ in range(2):
            self.publish(sample(seconds=2)).succeed()
            until(lambda: (self.server.stream() or {}).get("state") == "lingering", "the publisher has gone")
        until(lambda: len(index(self.root)) == 1, "the first file is finished")
        self.assertEqual(index(self.root)[0]["reason"], "session")
        self.server.api("/api/v1/streams/live/a", method="DELETE")
        first, second = until(lambda: len(index(self.root)) == 2 and index(self.root), "the second is finished, too")
        self.assertGreater(int(second["epoch"]), int(first["epoch"]))
        for entry in (first, second):
            path = self.root / "live/a" / entry["file"]
            self.assertEqual(decode_errors(path), "")
            self.assertEqual(pictures(path), 60)


class CrashTest(RecordTest):
    def test_what_a_killed_server_has_written_is_adopted_and_plays_up_to_its_last_fragment(self):
        self.serve("record.format=fmp4")
        publisher = self.publish(sample(seconds=10))
        self.server.wait_live()
        until(lambda: self.unfinished() and pictures(self.unfinished()[0]) > 60, "two seconds are written")
        taken = self.server.stream()["framesVideo"]
        os.kill(self.server.program.process.pid, signal.SIGKILL)
        self.server.program.wait()
        publisher.stop()
        [file] = self.unfinished()
        self.server.start_again()
        [entry] = until(lambda: index(self.root), "the file is in the index")
        self.assertEqual(entry["reason"], "recovered")
        until(lambda: "record.recovered" in self.server.log, "the log tells of it")
        self.assertFalse(file.exists())
        path = self.root / "live/a" / entry["file"]
        # What had not been handed over: 250 ms, and what lies between the count of frames and the kill.
        self.assertGreaterEqual(pictures(path), taken - 10)
        self.assertEqual(decode_errors(path), "")
        listed = self.server.api("/api/v1/recordings/live/a")["recordings"]
        self.assertEqual([(f["file"], f["reason"]) for f in listed], [(entry["file"], "recovered")])

    def test_a_server_that_is_asked_to_end_finishes_its_files(self):
        self.serve("record.format=ts", "drain.timeout=0")
        self.publish(sample(seconds=10))
        self.server.wait_live()
        until(lambda: self.unfinished() and pictures(self.unfinished()[0]) > 20, "something is written")
        self.server.program.signal(signal.SIGTERM)
        self.server.program.wait()
        [entry] = index(self.root)
        self.assertIn(entry["reason"], ("shutdown", "ended"))
        self.assertEqual(self.unfinished(), [])


class DiskTest(RecordTest):
    def mount(self, kilobytes):
        place = folder()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)], stderr=subprocess.PIPE)
        if done.returncode:
            self.skipTest("mounting is not permitted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=False)
        return place

    def test_a_full_disk_ends_the_recording_with_an_event_and_no_viewer_loses_a_frame(self):
        self.serve("record.format=flv", root=self.mount(256))
        source = sample(seconds=5)
        publisher = self.publish(source)
        self.server.wait_live()
        viewer = Recorder(self, self.server.flv())
        self.server.wait_viewers(1)
        until(lambda: "record.stopped" in self.server.log, "the recording has stopped")
        self.assertIn("code=disk_full", self.server.log)
        self.assertIn("the disk is full", self.server.log)
        paused = until(lambda: (self.recording() or {}).get("state") == "paused" and self.recording(), "it is paused")
        self.assertIn("disk is full", paused["error"])
        self.assertIn('sluice_recording_failures_total{reason="disk_full"} 1', self.server.api("/metrics", raw=True))
        publisher.succeed()
        times = [time for kind, time, _ in media(viewer.wait()) if kind == 9]
        # From the keyframe that it joined at to the last picture: 30 a second, none missing.
        steps = {later - earlier for earlier, later in zip(times, times[1:])}
        self.assertLessEqual(steps, {33, 34})
        self.assertGreaterEqual(len(times), 90)
        # What the disk took is whole.
        found = [path for path in self.root.rglob("*.flv")]
        self.assertEqual(len(found), 1)
        self.assertGreater(pictures(found[0]), 10)


class OperatorTest(RecordTest):
    def test_a_recording_is_begun_asked_after_and_ended_over_the_api(self):
        self.serve()
        self.publish(sample(seconds=10))
        self.server.wait_live()
        self.assertIsNone(self.recording())
        self.assertEqual(self.api("a", "GET")[0], 404)
        self.assertEqual(self.api("a", "POST", b'{"format": "avi"}')[0], 400)
        self.assertEqual(self.api("nobody", "POST")[0], 404)
        status, body = self.api("a", "POST", b'{"format": "ts"}')
        self.assertEqual((status, json.loads(body)["format"]), (200, "ts"))
        self.assertEqual(self.api("a", "POST")[0], 200, "to ask twice changes nothing")
        state = until(lambda: (r := self.recording()) and r["seconds"] >= 1 and r, "a second is recorded")
        self.assertEqual(state["state"], "recording")
        self.assertTrue(state["file"].endswith(".recording.ts"))
        self.assertGreater(state["bytes"], 1000)
        self.assertNotIn("record", self.server.stream()["viewers"])
        self.assertEqual(self.server.api("/api/v1/node")["recordings"]["active"], 1)
        self.assertIn("sluice_recordings 1", self.server.api("/metrics", raw=True))
        self.assertEqual(self.api("a", "DELETE")[0], 204)
        [file] = until(lambda: self.server.api("/api/v1/recordings/live/a")["recordings"], "the file is listed")
        self.assertEqual((file["reason"], file["format"]), ("stopped", "ts"))
        self.assertGreaterEqual(file["seconds"], 1)
        until(lambda: self.recording() is None, "the stream is not recorded")
        self.assertEqual(self.api("a", "DELETE")[0], 404)
        self.assertIsNotNone(self.server.stream(), "the stream goes on")
        written = until(
            lambda: (n := self.server.api("/api/v1/node")["recordings"])["active"] == 0 and n["bytes"], "it is counted")
        self.assertEqual(written, file["bytes"])

    def test_without_a_folder_the_api_says_what_to_set(self):
        self.server = Server(("publish.linger=0",))
        self.addCleanup(self.server.stop)
        self.publish(sample(seconds=10))
        self.server.wait_live()
        status, body = self.api("a", "POST")
        self.assertEqual(status, 409)
        self.assertIn("record.path", json.loads(body)["error"])

    def test_retention_keeps_the_newest_files_and_their_index(self):
        self.serve("record.format=flv", "record.duration=1s", "record.keep_bytes=100KiB")
        self.publish(sample(seconds=6)).succeed()
        self.server.wait_gone()
        until(lambda: "record.deleted" in self.server.log, "something is deleted")

        def settled():
            entries, files = index(self.root), sorted(p.name for p in (self.root / "live/a").rglob("*.flv"))
            small = sum(entry["bytes"] for entry in entries) <= 100 << 10
            return small and [e["file"].split("/")[-1] for e in entries] == files and entries
        entries = until(settled, "files and index agree, below the limit")
        self.assertEqual(entries[-1]["reason"], "ended", "the newest is there")
        self.assertIn("cause=bytes", self.server.log)

    def test_files_go_when_they_are_too_old(self):
        self.serve("record.format=flv", "record.keep_age=1s")
        self.publish(sample(seconds=1)).succeed()
        self.server.wait_gone()
        until(lambda: "cause=age" in self.server.log, "the file is deleted")
        until(lambda: index(self.root) == [], "its line goes, too")
        self.assertEqual(list(self.root.rglob("*.flv")), [])

    def test_a_wrong_pattern_is_refused_with_what_to_do(self):
        path = pathlib.Path(self.scratch(".yaml"))
        path.write_text("record:\n  path: /tmp\n  pattern: ../{stream}.{ext}\n")
        done = subprocess.run(
            [support.BINARY, "serve", "--config", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        text = done.stdout.decode()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{path}:3: record.pattern: ", text)
        self.assertIn("leads out of record.path; remove the parts", text)


    def test_a_folder_that_can_be_none_is_refused_at_the_start(self):
        path = self.scratch()
        done = subprocess.run(
            [support.BINARY, "serve", "--set", f"record.path={path}/recorded", "--set", "record.format=ts"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"record.path: {path}/recorded cannot be a folder, as {path} is none", done.stdout.decode())

    def test_a_format_that_holds_nothing_of_the_stream_is_refused_or_told(self):
        self.serve("record.format=ts")
        self.publish(sample("flv1", "pcm", seconds=20))
        self.server.wait_live()
        refused = "files of ts do not hold"
        state = until(lambda: (r := self.recording()) and r["error"] and r, "the settings' recording says so")
        self.assertEqual(state["state"], "waiting")
        self.assertIn(refused, state["error"])
        self.assertEqual(self.server.log.count("record.refused"), 1)
        self.assertEqual(self.api("a", "DELETE")[0], 204)
        for form in "ts", "fmp4":
            status, body = self.api("a", "POST", json.dumps({"format": form}).encode())
            self.assertEqual(status, 409, body)
            self.assertIn(f"files of {form} do not hold", json.loads(body)["error"])
        self.assertIsNone(self.recording())
        self.assertEqual(self.api("a", "POST", b'{"format": "flv"}')[0], 200)
        until(lambda: (r := self.recording()) and r["seconds"] > 0.5, "FLV holds it")


class NetworkTest(RecordTest):
    def test_a_stream_is_recorded_where_it_is_published_and_elsewhere_while_somebody_asks_for_it(self):
        self.root = folder()
        self.server = origin = Server((f"record.path={self.root}", "record.format=flv", "publish.linger=0"), node="o")
        self.addCleanup(origin.stop)
        elsewhere = folder()
        edge = Server(
            (f"relay.parents={origin.relay}", f"record.path={elsewhere}", "record.format=flv", "relay.hold=0"), node="e")
        self.addCleanup(edge.stop)
        self.publish(sample(seconds=30))
        origin.wait_live()
        viewer = Recorder(self, edge.flv())
        edge.wait_viewers(1)
        until(lambda: self.recording(), "it is recorded at the origin")
        until(lambda: len(media(viewer.data)) > 30, "it is watched at the edge")
        self.assertIsNone(edge.stream().get("recording"))
        self.assertEqual(list(elsewhere.rglob("*.flv")), [])
        self.server = edge
        self.assertEqual(self.api("a", "POST")[0], 200)
        until(lambda: self.recording()["seconds"] > 0.5, "it is recorded at the edge")
        viewer.program.stop()
        edge.wait_viewers(0)
        now = self.recording()["seconds"]
        until(lambda: self.recording()["seconds"] > now + 2, "the recording keeps the stream")
        self.assertEqual(self.api("a", "DELETE")[0], 204)
        edge.wait_gone()
        self.assertEqual([entry["reason"] for entry in index(elsewhere)], ["stopped"])


if __name__ == "__main__":
    unittest.main()
