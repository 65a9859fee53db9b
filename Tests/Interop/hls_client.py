"""An HLS client of few lines: HTTP requests on one connection, playlists taken apart, and the boxes of fragments."""

import datetime
import http.client
import re
import struct
import time
from urllib.parse import urljoin, urlsplit


class Answer:
    def __init__(self, response, body, seconds):
        self.status, self.body, self.seconds = response.status, body, seconds
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    @property
    def text(self):
        return self.body.decode()


class Client:
    """One keep-alive connection; a new one where the server has ended the last."""

    def __init__(self, base, timeout=30):
        self.base, self.timeout, self.connection = base, timeout, None

    def get(self, uri="", method="GET", **headers):
        parts = urlsplit(urljoin(self.base, uri))
        path = parts.path + ("?" + parts.query if parts.query else "")
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        began = time.monotonic()
        for attempt in range(2):
            if not self.connection:
                self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=self.timeout)
            try:
                self.connection.request(method, path, headers=headers)
                response = self.connection.getresponse()
                body = response.read()
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if attempt:
                    raise
                continue
            if response.will_close:
                self.close()
            return Answer(response, body, time.monotonic() - began)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Part:
    def __init__(self, attributes):
        self.uri, self.duration = attributes["URI"], float(attributes["DURATION"])
        self.independent = attributes.get("INDEPENDENT") == "YES"


class Segment:
    def __init__(self):
        self.number = self.discontinuity = self.duration = self.uri = self.map = self.date = None
        self.parts, self.is_gap, self.starts_session = [], False, False

    @property
    def key(self):
        """All that a playlist says of a segment and that must not change, but for parts, which leave."""
        return (self.number, self.discontinuity, self.duration, self.uri, self.map, self.date, self.is_gap)


class Playlist:
    """A media playlist. `open` is the segment that is being made: nothing but its parts, perhaps."""

    def __init__(self, text, full=None):
        """`full`: an earlier whole playlist, from which what a delta skips is taken."""
        self.text, self.full = text, full
        self.segments, self.control, self.hints, self.reports = [], {}, {}, []
        self.version = self.target = self.number = self.part_target = self.kind = None
        self.discontinuity = self.skipped = 0
        self.is_independent = self.is_ended = False
        self.open = Segment()
        lines = text.split("\n")
        assert lines[0] == "#EXTM3U" and lines[-1] == "", "a playlist begins with #EXTM3U and ends with a line's end"
        for line in lines[1:-1]:
            assert line.strip() == line and line, f"neither tag nor URI: {line!r}"
            if line.startswith("#"):
                self.tag(*line.partition(":")[::2])
            else:
                self.open.uri = line
                self.place(self.open)

    def place(self, segment):
        last = self.segments[-1] if self.segments else None
        segment.number = last.number + 1 if last else self.number
        segment.discontinuity = (last.discontinuity if last else self.discontinuity) + segment.starts_session
        self.segments.append(segment)
        self.open = Segment()
        self.open.map = segment.map

    def tag(self, name, value):
        if name == "#EXT-X-VERSION":
            self.version = int(value)
        elif name == "#EXT-X-TARGETDURATION":
            self.target = int(value)
        elif name == "#EXT-X-PLAYLIST-TYPE":
            self.kind = value
        elif name == "#EXT-X-MEDIA-SEQUENCE":
            self.number = int(value)
        elif name == "#EXT-X-DISCONTINUITY-SEQUENCE":
            self.discontinuity = int(value)
        elif name == "#EXT-X-INDEPENDENT-SEGMENTS":
            self.is_independent = True
        elif name == "#EXT-X-SERVER-CONTROL":
            self.control = attributes(value)
        elif name == "#EXT-X-PART-INF":
            self.part_target = float(attributes(value)["PART-TARGET"])
        elif name == "#EXT-X-SKIP":
            self.skip(int(attributes(value)["SKIPPED-SEGMENTS"]))
        elif name == "#EXT-X-DISCONTINUITY":
            self.open.starts_session = True
        elif name == "#EXT-X-MAP":
            self.open.map = attributes(value)["URI"]
        elif name == "#EXT-X-PROGRAM-DATE-TIME":
            self.open.date = datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        elif name == "#EXT-X-PART":
            self.open.parts.append(Part(attributes(value)))
        elif name == "#EXT-X-GAP":
            self.open.is_gap = True
        elif name == "#EXTINF":
            self.open.duration = float(value.split(",")[0])
        elif name == "#EXT-X-PRELOAD-HINT":
            hint = attributes(value)
            self.hints[hint["TYPE"]] = hint["URI"]
        elif name == "#EXT-X-RENDITION-REPORT":
            self.reports.append(attributes(value))
        elif name == "#EXT-X-ENDLIST":
            self.is_ended = True
        else:
            raise AssertionError(f"an unknown tag: {name}")

    def skip(self, count):
        self.skipped = count
        assert self.full, "a delta was not asked for"
        known = [s for s in self.full.segments if s.number >= self.number][:count]
        assert len(known) == count and known[0].number == self.number, "skips what the whole playlist does not have"
        self.segments = known
        self.open.map = known[-1].map

    @property
    def last(self):
        """Media sequence number and part of the newest part, as a request directive names them."""
        if self.open.parts:
            return self.segments[-1].number + 1, len(self.open.parts) - 1
        return self.segments[-1].number, len(self.segments[-1].parts) - 1

    @property
    def next(self):
        return (self.last[0], self.last[1] + 1) if self.open.parts else (self.segments[-1].number + 1, 0)

    @property
    def parts(self):
        """Each listed part by its place."""
        listed = {(s.number, index): part for s in self.segments for index, part in enumerate(s.parts)}
        number = self.segments[-1].number + 1
        return listed | {(number, index): part for index, part in enumerate(self.open.parts)}


def attributes(text):
    """An attribute list (RFC 8216bis §4.2): names once, quotes around strings only."""
    pairs = re.findall(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)', text)
    assert ",".join(f"{name}={value}" for name, value in pairs) == text, f"not an attribute list: {text}"
    assert len({name for name, _ in pairs}) == len(pairs), f"an attribute twice: {text}"
    return {name: value.strip('"') for name, value in pairs}


# Fragmented MP4.


def boxes(data, at=0, end=None):
    """Type and content of each box; the sizes add up to the end."""
    end = len(data) if end is None else end
    while at < end:
        size, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= end - at, f"a box of {size} bytes where {end - at} are left"
        yield kind.decode("latin-1"), at + 8, at + size
        at += size


def find(data, path, at=0, end=None):
    """All boxes at a path such as moov/trak/tkhd, as places of their contents."""
    first, _, rest = path.partition("/")
    for kind, start, stop in boxes(data, at, end):
        if kind == first:
            yield from find(data, rest, start, stop) if rest else [(start, stop)]


class Movie:
    """What an initialisation section says of its tracks: kind and time scale by number."""

    def __init__(self, data):
        self.tracks = {}
        for start, stop in find(data, "moov/trak"):
            [(head, _)] = find(data, "tkhd", start, stop)
            [(media, _)] = find(data, "mdia/mdhd", start, stop)
            [(handler, _)] = find(data, "mdia/hdlr", start, stop)
            number, = struct.unpack_from(">I", data, head + (20 if data[head] else 12))
            scale, = struct.unpack_from(">I", data, media + (20 if data[media] else 12))
            self.tracks[number] = (data[handler + 8:handler + 12].decode(), scale)
        assert self.tracks, "an initialisation section without tracks"

    @property
    def has_video(self):
        return any(kind == "vide" for kind, _ in self.tracks.values())

    def samples(self, data):
        """Kind, decoding time, duration and whether it is a sync sample, of each sample in fragments. The kind is
        "undeclared" where this movie has no such track."""
        found = []
        for start, stop in find(data, "moof/traf"):
            [(head, _)] = find(data, "tfhd", start, stop)
            flags, number = int.from_bytes(data[head + 1:head + 4], "big"), struct.unpack_from(">I", data, head + 4)[0]
            at, default = head + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0), {}
            for bit, name in (8, "duration"), (16, "size"), (32, "flags"):
                if flags & bit:
                    default[name] = struct.unpack_from(">I", data, at)[0]
                    at += 4
            [(time_at, _)] = find(data, "tfdt", start, stop)
            clock, = struct.unpack_from(">Q" if data[time_at] else ">I", data, time_at + 4)
            kind, scale = self.tracks.get(number, ("undeclared", 1))
            for run, _ in find(data, "trun", start, stop):
                clock = self.run(data, run, default, kind, scale, clock, found)
        return found

    def run(self, data, at, default, kind, scale, clock, found):
        flags, count = int.from_bytes(data[at + 1:at + 4], "big"), struct.unpack_from(">I", data, at + 4)[0]
        at += 8 + (4 if flags & 1 else 0)
        first = None
        if flags & 4:
            first, at = struct.unpack_from(">I", data, at)[0], at + 4
        for index in range(count):
            values = dict(default)
            if first is not None and not index:
                values["flags"] = first
            for bit, name in (0x100, "duration"), (0x200, "size"), (0x400, "flags"), (0x800, "composition"):
                if flags & bit:
                    values[name] = struct.unpack_from(">I", data, at)[0]
                    at += 4
            is_sync = not values.get("flags", 0) & 0x10000
            found.append((kind, clock / scale, values["duration"] / scale, is_sync))
            clock += values["duration"]
        return clock


def starts_with_random_access(packets):
    """Whether a transport stream's first picture says that a decoder can begin there; so does one without pictures."""
    for at in range(0, len(packets), 188):
        assert packets[at] == 0x47, "transport packets are aligned"
        begins, adapted = packets[at + 1] & 0x40, packets[at + 3] & 0x20
        number = (packets[at + 1] & 31) << 8 | packets[at + 2]
        head = at + 4 + (1 + packets[at + 4] if adapted else 0)
        if begins and 0 < number < 0x1FFF and packets[head:head + 3] == b"\0\0\1" and packets[head + 3] & 0xF0 == 0xE0:
            return bool(adapted and packets[at + 4] and packets[at + 5] & 0x40)
    return True
