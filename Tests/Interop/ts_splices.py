"""SCTE 35 in MPEG-TS in all its shapes, put in and taken out by hand: whole programs and components, short and long, several
sections to a packet and many packets to a section. Shares no code with the server."""

from ts_data import CIRCLE, CUEI, SPLICE_TYPE, Packetizer, map_of, packets_of, pts_of, sealed

PIDS = 0x1F0, 0x1F3
CUE_IDENTIFIER = b"\x8a\x01\x01"
TRACKS = (PIDS[0], SPLICE_TYPE, b""), (PIDS[1], SPLICE_TYPE, CUE_IDENTIFIER)


def section(command_type, command, adjustment, descriptors=b""):
    head = b"\xfc\0\0\0" + (adjustment % CIRCLE).to_bytes(5, "big") + b"\0\xff" + (0xF000 | len(command)).to_bytes(2, "big")
    return sealed(head + bytes([command_type]) + command + len(descriptors).to_bytes(2, "big") + descriptors)


def stamp(time, adjustment):
    return (0xFE << 32 | (time - adjustment) % CIRCLE).to_bytes(5, "big")


def null():
    return section(0, b"", 0)


def signal(time, adjustment, size=0):
    return section(6, stamp(time, adjustment), adjustment, bytes(i * 37 & 255 for i in range(size)))


def insert(event, times, adjustment, components=True):
    """Out of the network for 30 s: the whole program, or each component at a time of its own."""
    command = event.to_bytes(4, "big") + b"\x7f" + bytes([0xAF if components else 0xEF])
    if components:
        command += bytes([len(times)])
        command += b"".join(bytes([tag]) + stamp(time, adjustment) for tag, time in enumerate(times))
    else:
        command += stamp(times[0], adjustment)
    return section(5, command + (0xFE << 32 | 2_700_000).to_bytes(5, "big") + b"\0\1\0\0", adjustment)


def times_of(section):
    """When it is due, by the clock of the stream that it is in: each component by itself."""
    adjustment = int.from_bytes(section[4:9], "big") % CIRCLE
    if section[13] == 6:
        places = [14]
    elif section[13] == 5:
        places = [20] if section[19] & 0x40 else [22 + 6 * i for i in range(section[20])]
    else:
        places = []
    return [(int.from_bytes(section[at:at + 5], "big") + adjustment) % CIRCLE for at in places]


class RunPacketizer(Packetizer):
    def put_run(self, pid, sections):
        """Sections one behind the other with nothing between, and a pointer where one begins in a packet."""
        data, starts = b"".join(sections), [sum(map(len, sections[:i])) for i in range(len(sections))]
        out, at = b"", 0
        while at < len(data):
            first = next((start for start in starts if at <= start < at + 183), None)
            room = 184 if first is None else 183
            part = data[at:at + room]
            counter = self.counters[pid] = (self.counters.get(pid, 15) + 1) & 15
            out += bytes([0x47, (0 if first is None else 0x40) | pid >> 8, pid & 255, 0x10 | counter])
            out += (b"" if first is None else bytes([first - at])) + part.ljust(room, b"\xff")
            at += len(part)
        return out


def sections_behind(number, times, is_late):
    """What comes with a picture, by PID; `times` are those of this and the last pictures."""
    adjustment = 0 if number % 2 else CIRCLE - 5_000 * number
    shape = number // 5 % 5
    if shape == 0:
        yield PIDS[0], [signal(times[0], adjustment)]
    elif shape == 1:
        yield PIDS[0], [null(), signal(times[0], adjustment, 3), signal(times[1], 77, 600), null()]
    elif shape == 2:
        yield PIDS[0], [insert(number, times, adjustment)]
    elif shape == 3:
        yield PIDS[0], [insert(number, times, adjustment, components=False), signal(times[0], 0, 154 - number % 7)]
    if is_late and shape in (1, 4):
        yield PIDS[1], [signal(times[0], adjustment, 1_500), insert(number, times[:2], adjustment)]


def new_map(section, version, tracks):
    program, streams = map_of(section)
    program += CUEI
    body = section[:5] + bytes([0xC1 | version << 1]) + section[6:10] + (0xF000 | len(program)).to_bytes(2, "big") + program
    for pid, kind, descriptors in (*streams, *tracks):
        body += bytes([kind]) + (0xE000 | pid).to_bytes(2, "big") + (0xF000 | len(descriptors)).to_bytes(2, "big") + descriptors
    return sealed(body)


def add(data, late):
    """A transport stream with one program, and the same with splices behind every fifth picture, from the picture `late`
    on with a second PID, which a new map names; and what was added, as `Found.sections` tells it."""
    out, packetizer, map_pid, video = b"", RunPacketizer(), None, None
    shown, added = [], {pid: [] for pid in PIDS}
    for packet, pid, starts, payload in packets_of(data):
        if pid == 0:
            map_pid = int.from_bytes(payload[11:13], "big") & 0x1FFF
        if pid == map_pid and starts:
            section = payload[1:4 + (int.from_bytes(payload[2:4], "big") & 0xFFF)]
            video = next(p for p, kind, _ in map_of(section)[1] if kind in (0x1B, 0x24))
            is_late = len(shown) >= late
            out += packetizer.put(map_pid, new_map(section, is_late, TRACKS[:1 + is_late]), is_section=True)
            continue
        out += packet
        if pid != video or not starts:
            continue
        shown.append(pts_of(payload))
        if len(shown) % 5 or len(shown) < 5:
            continue
        # A map has come since, four pictures at most after its time.
        for where, sections in sections_behind(len(shown), shown[:-4:-1], len(shown) >= late + 10):
            out += packetizer.put_run(where, sections)
            added[where] += [(len(shown), times_of(section), section) for section in sections]
    return out, added


class Found:
    """The splices of a transport stream, each with the number of pictures begun before it and its times; and its maps."""

    def __init__(self, data):
        self.maps, self.found, open_sections, kinds, map_pid, shown = [], {}, {}, {}, None, []
        for _, pid, starts, payload in packets_of(data):
            if pid == 0:
                map_pid = int.from_bytes(payload[11:13], "big") & 0x1FFF
            elif pid == map_pid and starts:
                parts = map_of(payload[1:4 + (int.from_bytes(payload[2:4], "big") & 0xFFF)])
                # Sound may be heard of later.
                if not self.maps or self.splices(self.maps[-1]) != self.splices(parts):
                    self.maps.append(parts)
                kinds = {p: kind for p, kind, _ in parts[1]}
            elif kinds.get(pid) in (0x1B, 0x24) and starts:
                shown.append(pts_of(payload))
            elif kinds.get(pid) == SPLICE_TYPE:
                if starts:
                    pointer, rest = payload[0], payload[1:]
                    if pid in open_sections:
                        self.take(pid, open_sections.pop(pid) + rest[:pointer], len(shown))
                    payload = rest[pointer:]
                left = self.take(pid, open_sections.pop(pid, b"") + payload, len(shown))
                if left:
                    open_sections[pid] = left
        self.pictures = sorted(shown)

    @staticmethod
    def splices(parts):
        return [stream for stream in parts[1] if stream[1] == SPLICE_TYPE]

    def take(self, pid, data, place):
        """Whole sections; returns the rest."""
        while len(data) >= 3 and data[0] != 0xFF:
            size = 3 + (int.from_bytes(data[1:3], "big") & 0xFFF)
            if len(data) < size:
                return data
            self.found.setdefault(pid, []).append((place, times_of(data[:size]), data[:size]))
            data = data[size:]
        return data if data and data[0] != 0xFF else b""

    def sections(self, pid):
        return self.found.get(pid, [])
