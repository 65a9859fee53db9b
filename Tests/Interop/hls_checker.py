"""Follows a live HLS playlist as a player does and holds it against RFC 8216bis, as far as that can be seen from outside.

    python3 Tests/Interop/hls_checker.py http://HOST:PORT/APP/STREAM/media.m3u8 [SECONDS]
    python3 Tests/Interop/hls_checker.py 'http://HOST:PORT/APP/STREAM/window.m3u8?from=UNIX' [SECONDS]

Ends with 0 if no rule was broken; each that was is told once, with where.
"""

import gzip
import statistics
import sys
import time

from hls_client import Client, Movie, Playlist, starts_with_random_access

# Digits of a playlist are milliseconds or finer; times of fragments are whole ticks.
ROUNDING = 0.0021


class Checker:
    def __init__(self, url, segment_slack=0.05):
        self.client = Client(url)
        self.slack = segment_slack
        self.broken = []
        self.playlist = None
        self.bodies, self.maps, self.left = {}, {}, []
        self.seen = {}
        self.counts = dict.fromkeys(
            ("playlists", "segments", "parts", "deltas", "hints", "obsolete hints", "dropped", "discontinuities"), 0)
        self.ages, self.waits = [], []

    def rule(self, holds, text):
        if not holds and text not in self.broken:
            self.broken.append(text)
        return holds

    # Following.

    def follow(self, seconds, enough=lambda counts: False):
        """Part by part, or by reloading where there are no parts, until the counts are `enough`, for that long at most."""
        end = time.monotonic() + seconds
        self.take(self.client.get())
        while time.monotonic() < end and not self.playlist.is_ended and not enough(self.counts):
            if self.playlist.part_target:
                self.await_part()
            elif self.playlist.control.get("CAN-BLOCK-RELOAD") == "YES":
                self.take(self.client.get(f"?_HLS_msn={self.playlist.next[0]}"))
            else:
                time.sleep(self.playlist.target / 4)
                self.take(self.client.get())
            self.check_delta()
        return self

    def await_part(self):
        """By turns the hinted part first, which then is there, and the playlist first, which waits for it."""
        number, part = self.playlist.next
        hint = self.playlist.hints.get("PART")
        by_hint = self.counts["playlists"] % 2 and hint
        if by_hint:
            answer = self.client.get(hint)
            if answer.status == 200:
                self.bodies[hint] = answer.body
                self.counts["hints"] += 1
            else:
                self.rule(answer.status == 404, f"{hint}, hinted, is answered {answer.status}")
                self.counts["obsolete hints"] += 1
        answer = self.client.get(f"?_HLS_msn={number}&_HLS_part={part}")
        self.take(answer)
        if answer.status != 200:
            return
        if not by_hint:
            self.waits.append(answer.seconds)
        reached = self.playlist.last
        self.rule(
            reached >= (number, part) or self.playlist.segments[-1].number >= number or self.playlist.is_ended,
            f"asked for {number}.{part}, told of {reached}: answered before it was there")

    def take(self, answer):
        if not self.rule(answer.status == 200, f"the playlist is answered {answer.status}: {answer.body[:200]}"):
            time.sleep(0.2)
            return
        self.counts["playlists"] += 1
        arrived = time.time()
        previous, self.playlist = self.playlist, Playlist(answer.text)
        self.check_head(self.playlist)
        self.check_segments(self.playlist)
        if previous:
            self.check_succession(previous, self.playlist)
        self.check_media(self.playlist, arrived)

    # Rules of one playlist.

    def check_head(self, p):
        self.rule(p.target and p.number is not None and p.segments, "target duration, number or segments are missing")
        hold = float(p.control.get("HOLD-BACK", 3 * p.target))
        self.rule(hold >= 3 * p.target, f"HOLD-BACK {hold} below three target durations (§4.4.3.8)")
        if "CAN-SKIP-UNTIL" in p.control:
            self.rule(float(p.control["CAN-SKIP-UNTIL"]) >= 6 * p.target, "CAN-SKIP-UNTIL below six target durations")
        if p.part_target:
            back = float(p.control.get("PART-HOLD-BACK", 0))
            self.rule(back >= 2 * p.part_target, f"PART-HOLD-BACK {back} below two parts (§4.4.3.8)")
            self.rule("CAN-BLOCK-RELOAD" in p.control, "parts without CAN-BLOCK-RELOAD")
            self.rule("PART" in p.hints or p.is_ended, "no preload hint")
        whole = sum(s.duration for s in p.segments)
        listed_enough = whole >= 3 * p.target or self.counts["discontinuities"] or self.counts["playlists"] < 30
        self.rule(listed_enough, f"{whole} s listed, less than three target durations (§6.2.2)")

    def check_segments(self, p):
        for segment in p.segments:
            where = f"segment {segment.number}"
            self.rule(int(segment.duration + 0.5) <= p.target, f"{where}: {segment.duration} s > target {p.target}")
            self.rule(segment.date is not None, f"{where} has no PROGRAM-DATE-TIME")
            if p.part_target and segment.parts:
                total = sum(part.duration for part in segment.parts)
                self.rule(
                    abs(total - segment.duration) < ROUNDING * len(segment.parts),
                    f"{where}: parts of {total:.3f} s in {segment.duration} s")
            for index, part in enumerate(segment.parts):
                self.check_part(p, f"{segment.number}.{index}", part, part is segment.parts[-1])
        for index, part in enumerate(p.open.parts):
            # Whether more follow is not known yet.
            self.check_part(p, f"{p.last[0]}.{index}", part, part is p.open.parts[-1])
        with_parts = [bool(s.parts) for s in p.segments if not s.is_gap]
        self.rule(with_parts == sorted(with_parts), "a segment without parts behind one with parts")
        for before, after in zip(p.segments, p.segments[1:]):
            if before.date is None or after.date is None or before.discontinuity != after.discontinuity:
                continue
            self.rule(after.date > before.date, f"segment {after.number}: its date is not after the one before")

    def check_part(self, p, where, part, may_be_short):
        self.rule(part.duration <= p.part_target + 1e-6, f"part {where}: {part.duration} s > {p.part_target}")
        if not may_be_short and not part.independent:
            self.rule(part.duration >= 0.85 * p.part_target - 5e-4, f"part {where}: {part.duration} s < 85 %")

    # Rules of two.

    def check_succession(self, old, new):
        self.rule(new.number >= old.number, f"the number goes back: {old.number}, {new.number}")
        self.rule(new.discontinuity >= old.discontinuity, "the discontinuity number goes back")
        for name in "target", "part_target", "version":
            before, after = getattr(old, name), getattr(new, name)
            grows = name != "version" and after and after > before and new.segments[-1].discontinuity > old.discontinuity
            self.rule(before == after or grows, f"{name} changes from {before} to {after}")
        known = {s.number: s for s in old.segments}
        for segment in new.segments:
            if segment.number in known:
                # The map of a segment stays, whether or not it is repeated.
                self.rule(segment.key == known[segment.number].key, f"segment {segment.number} changes")
        self.rule(
            new.number <= old.segments[-1].number + 1 or new.segments[0].discontinuity > old.segments[-1].discontinuity,
            f"{new.number} follows {old.segments[-1].number}: segments were never listed")
        for place, part in old.parts.items():
            if (now := new.parts.get(place)) is not None:
                self.rule((now.uri, now.duration) == (part.uri, part.duration), f"part {place} changes")
        self.check_hint(old, new)
        gone = [s for s in old.segments if s.number < new.number]
        self.counts["dropped"] += len(gone)
        now = time.monotonic()
        # §6.2.2: for its own duration and that of the longest playlist that had it.
        self.left += [(s, now + s.duration + sum(x.duration for x in old.segments) / 2) for s in gone if not s.is_gap]
        self.check_left(now)

    def check_hint(self, old, new):
        hint, fresh = old.hints.get("PART"), [p for place, p in new.parts.items() if place >= old.next]
        if not hint or not fresh or old.last >= new.last:
            return
        next_segment = new.segments[-1].number >= old.next[0] and len(old.open.parts) > 0
        self.rule(
            fresh[0].uri == hint or next_segment or new.discontinuity > old.discontinuity,
            f"{hint} was hinted, {fresh[0].uri} came")

    def check_left(self, now):
        """Half of the time that they must still be there, so that a slow machine is not called a broken rule."""
        while self.left and self.left[0][1] < now:
            segment, _ = self.left.pop(0)
            answer = self.client.get(segment.uri)
            self.rule(answer.status == 200, f"segment {segment.number}, just removed, is answered {answer.status}")

    # What is in it.

    def check_media(self, p, arrived):
        for place, part in p.parts.items():
            if place in self.seen:
                continue
            self.seen[place] = part
            self.counts["parts"] += 1
            if place == p.last and p.open.parts and p.open.date:
                self.ages.append(arrived - p.open.date - sum(x.duration for x in p.open.parts))
            body = self.fetch(part.uri)
            movie = self.map(p.open.map if place[0] > p.segments[-1].number else self.segment(p, place[0]).map)
            if body and movie:
                self.check_part_body(f"part {place[0]}.{place[1]}", part, body, movie)
        for segment in p.segments:
            if segment.number in self.seen or segment.is_gap:
                continue
            self.seen[segment.number] = segment
            self.check_segment_body(p, segment)
        for segment in p.segments[:-20]:
            for part in segment.parts:
                self.bodies.pop(part.uri, None)

    def segment(self, p, number):
        return p.segments[number - p.number]

    def fetch(self, uri):
        if uri not in self.bodies:
            answer = self.client.get(uri)
            self.rule(answer.status == 200, f"{uri}, listed, is answered {answer.status}")
            self.rule("max-age" in answer.headers.get("cache-control", ""), f"{uri} has no caching time")
            self.bodies[uri] = answer.body if answer.status == 200 else b""
        return self.bodies[uri]

    def map(self, uri):
        if uri and uri not in self.maps:
            answer = self.client.get(uri)
            self.rule(answer.status == 200, f"{uri}, an initialisation section, is answered {answer.status}")
            self.maps[uri] = Movie(answer.body) if answer.status == 200 else None
        return self.maps.get(uri)

    def check_part_body(self, where, part, body, movie):
        samples = movie.samples(body)
        lead = [s for s in samples if s[0] == "vide"] if movie.has_video else samples
        self.rule(all(s[0] != "undeclared" for s in samples), f"{where} has a track that its EXT-X-MAP does not have")
        if not self.rule(lead, f"{where} has no samples"):
            return
        has_sync = any(is_sync for _, _, _, is_sync in lead)
        self.rule(has_sync == part.independent, f"{where}: INDEPENDENT is {part.independent}, in it is {has_sync}")
        lasts = sum(duration for _, _, duration, _ in lead)
        self.rule(abs(lasts - part.duration) <= self.slack, f"{where}: {lasts:.3f} s of media, {part.duration} s told")

    def check_segment_body(self, p, segment):
        self.counts["segments"] += 1
        where, body = f"segment {segment.number}", self.fetch(segment.uri)
        del self.bodies[segment.uri]
        if segment.starts_session:
            self.counts["discontinuities"] += 1
        if not body:
            return
        if segment.map is None:
            self.rule(segment.uri.partition("?")[0].endswith(".ts"), f"{where} has no EXT-X-MAP")
            self.rule(len(body) % 188 == 0 and body[0] == 0x47, f"{where} is not whole transport packets")
            self.rule(not p.is_independent or starts_with_random_access(body), f"{where} does not begin with a keyframe")
            return
        if segment.parts:
            whole = b"".join(self.fetch(part.uri) for part in segment.parts)
            self.rule(whole == body, f"{where} is not its parts: {len(body)} bytes, {len(whole)} in parts")
        if not (movie := self.map(segment.map)):
            return
        samples = movie.samples(body)
        lead = [s for s in samples if s[0] == "vide"] if movie.has_video else samples
        if self.rule(lead, f"{where} has no samples"):
            lasts = sum(duration for _, _, duration, _ in lead)
            self.rule(
                abs(lasts - segment.duration) <= self.slack, f"{where}: {lasts:.3f} s of media, {segment.duration} told")
            self.rule(not p.is_independent or lead[0][3], f"{where} does not begin with a keyframe")

    # Deltas (§6.2.5.1).

    def check_delta(self):
        if "CAN-SKIP-UNTIL" not in self.playlist.control or self.counts["playlists"] % 5:
            return
        whole = self.client.get()
        delta = self.client.get("?_HLS_skip=YES")
        if whole.status != 200 or delta.status != 200 or self.client.get().body != whole.body:
            return
        full = Playlist(whole.text)
        update = Playlist(delta.text, full)
        skippable = sum(s.duration for s in full.segments[1:]) > float(full.control["CAN-SKIP-UNTIL"])
        self.rule(update.skipped or not skippable, "a delta was asked for, and is none")
        self.rule(not update.skipped or update.version >= 9, "a delta says a version below 9")
        self.counts["deltas"] += bool(update.skipped)
        mine, other = ([(s.key, [q.uri for q in s.parts]) for s in p.segments] for p in (full, update))
        self.rule(mine == other and full.parts.keys() == update.parts.keys() and full.hints == update.hints,
                  "a delta says something else than the whole playlist")

    # Requests that are refused, and what caches and browsers ask for.

    def check_requests(self):
        p = self.playlist
        number = p.segments[-1].number
        if p.control.get("CAN-BLOCK-RELOAD") == "YES":
            for query in (f"_HLS_msn={number + 40}", "_HLS_part=1", "_HLS_msn=x", f"_HLS_msn={number + 40}&_HLS_part=0",
                          f"_HLS_msn={number + 2}&_HLS_part=500", "_HLS_msn=-1", "_HLS_msn=99999999999999999999"):
                status = self.client.get("?" + query).status
                self.rule(status == 400, f"{query} is answered {status}, not 400 (§6.2.5.2)")
            status = self.client.get(f"?_HLS_msn={p.number - 5}").status
            self.rule(status == 200, f"a number in the past is answered {status}")
        end = ".ts" if p.segments[-1].map is None else ".m4s"
        for uri in f"{number + 100}{end}", f"{number + 100}.0.m4s", "init-0000000000000000.mp4", "1" + end, "x.m3u8":
            status = self.client.get(uri).status
            self.rule(status == 404, f"{uri}, never there, is answered {status}")
        # The last may be a gap, where an audio track ends before the others.
        last = [s for s in p.segments if not s.is_gap][-1]
        for uri in filter(None, (last.uri, last.map, last.parts and last.parts[0].uri)):
            self.check_caching(uri)
        self.check_playlist_transfer()
        return self

    def check_caching(self, uri):
        whole = self.client.get(uri)
        tag, size = whole.headers.get("etag"), len(whole.body)
        self.rule(tag and "max-age" in whole.headers.get("cache-control", ""), f"{uri} has no ETag or caching time")
        self.rule(self.client.get(uri, If_None_Match=tag or "").status == 304, f"{uri}: its ETag is not answered 304")
        self.rule(self.client.get(uri, If_None_Match='"x"').status == 200, f"{uri}: another ETag is not answered 200")
        head = self.client.get(uri, "HEAD")
        self.rule(head.headers.get("content-length") == str(size) and not head.body, f"{uri}: HEAD is not like GET")
        shared = self.client.get(uri, Origin="https://player.example").headers.get("access-control-allow-origin")
        self.rule(shared in ("*", "https://player.example"), f"{uri} is not shared with other origins")
        for asked, status, body in (
                ("bytes=0-9", 206, whole.body[:10]), ("bytes=-7", 206, whole.body[-7:]),
                (f"bytes={size - 3}-", 206, whole.body[-3:]), (f"bytes=0-{size * 2}", 206, whole.body),
                (f"bytes={size}-", 416, None), ("bytes=a-b", 200, whole.body)):
            got = self.client.get(uri, Range=asked)
            # A server may ignore ranges (RFC 9110 §14.2), but not half of them.
            right = got.status == status and body in (None, got.body)
            self.rule(right or "accept-ranges" not in whole.headers, f"{uri}: range {asked} is answered {got.status}")

    def check_playlist_transfer(self):
        for _ in range(5):
            plain, packed = self.client.get(), self.client.get("", Accept_Encoding="gzip")
            if packed.headers.get("content-encoding") != "gzip":
                return self.rule(False, "playlists are not compressed")
            if gzip.decompress(packed.body) == plain.body:
                break
        else:
            self.rule(False, "a compressed playlist differs")
        self.rule("Accept-Encoding" in plain.headers.get("vary", ""), "a playlist's Vary does not name the encoding")
        self.rule(plain.headers.get("etag") != packed.headers.get("etag"), "one ETag for two encodings")
        self.rule("max-age" in plain.headers.get("cache-control", ""), "a playlist has no caching time")
        preflight = self.client.get("", "OPTIONS", Origin="https://player.example", Access_Control_Request_Method="GET")
        self.rule(preflight.status in (200, 204), f"OPTIONS is answered {preflight.status}")

    def summary(self):
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        lines = [counts]
        if self.ages:
            ages = sorted(1000 * age for age in self.ages)
            lines.append(
                f"age of a part when it is told of: median {statistics.median(ages):.0f} ms, "
                f"95 % {ages[int(len(ages) * 0.95)]:.0f} ms, most {ages[-1]:.0f} ms; "
                f"longest wait {max(self.waits, default=0):.3f} s")
        return "\n".join(lines + [f"BROKEN: {text}" for text in self.broken])


class RecordedChecker(Checker):
    """For windows, events and videos on demand (§4.4.3.5, §6.2.1): what has been said of them holds."""

    END = "#EXT-X-ENDLIST\n"

    def take(self, answer):
        previous = self.playlist
        super().take(answer)
        if self.playlist is previous:
            return
        self.check_kind(self.playlist)
        if previous:
            self.check_kept(previous, self.playlist)

    def check_kind(self, p):
        self.rule(p.kind in (None, "EVENT", "VOD"), f"a playlist of type {p.kind}")
        self.rule(p.kind != "VOD" or p.is_ended, "a video on demand has no end")
        self.rule(p.version >= 6 or not any(s.map for s in p.segments), "EXT-X-MAP below version 6 (§8)")
        self.rule(p.text.count(self.END) == p.is_ended and (not p.is_ended or p.text.endswith(self.END)),
                  "EXT-X-ENDLIST is not the last line")

    def check_kept(self, old, new):
        self.rule(old.kind == new.kind, f"the type changes from {old.kind} to {new.kind}")
        if new.kind == "VOD":
            self.rule(old.text == new.text, "a video on demand changes")
        if new.kind == "EVENT":
            self.rule(new.text.startswith(old.text.removesuffix(self.END)), "an event does more than to grow at its end")
        if old.is_ended:
            self.rule(new.is_ended and new.segments[-1].key == old.segments[-1].key, "something follows an end")


def main():
    checker = (RecordedChecker if "/window.m3u8" in sys.argv[1] else Checker)(sys.argv[1])
    checker.follow(float(sys.argv[2]) if len(sys.argv) > 2 else 60).check_requests()
    print(checker.summary())
    return 1 if checker.broken else 0


if __name__ == "__main__":
    sys.exit(main())
