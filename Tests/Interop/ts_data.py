"""Data in MPEG-TS, put in and taken out by hand: splice information (SCTE-35), timed ID3 and teletext.

What puts it in and what takes it out share no code with the server.
"""

CUEI = b"\x05\x04CUEI"
ID3 = b"\x26\x0d\xff\xffID3 \xffID3 \x00\x0f"
POINTER = b"\x25\x0f\xff\xffID3 \xffID3 \x00\x1f\x00\x01"
TELETEXT = b"\x56\x05eng\x09\x00"
SPLICE_TYPE, ID3_TYPE, PRIVATE_TYPE = 0x86, 0x15, 0x06
# PID, stream type and descriptors.
TRACKS = (0x1F0, SPLICE_TYPE, b""), (0x1F1, ID3_TYPE, ID3), (0x1F2, PRIVATE_TYPE, TELETEXT)
CIRCLE = 1 << 33


def checksum(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 1 << 31 else 0)) & 0xFFFFFFFF
    return value


def sealed(section):
    """A section with its length and checksum set."""
    length = len(section) + 1 | (0x3000 if section[0] == 0xFC else 0xB000)
    section = section[:1] + length.to_bytes(2, "big") + section[3:]
    return section + checksum(section).to_bytes(4, "big")


def splice(time, adjustment, number):
    """A time_signal at `time`, and a segmentation descriptor's worth of bytes behind it."""
    command = b"\x06" + (0xFE << 32 | (time - adjustment) % CIRCLE).to_bytes(5, "big")
    descriptor = b"\x02\x0aCUEI" + number.to_bytes(6, "big")
    head = b"\xfc\0\0\0" + (adjustment % CIRCLE).to_bytes(5, "big") + b"\0\xff\xf0" + bytes([len(command) - 1])
    return sealed(head + command + len(descriptor).to_bytes(2, "big") + descriptor)


def splice_time(section):
    """When it is due, by the clock of the stream that it is in."""
    adjustment = int.from_bytes(section[4:9], "big") % CIRCLE
    return (int.from_bytes(section[14:19], "big") + adjustment) % CIRCLE


def same_but_for_its_clock(a, b):
    return len(a) == len(b) and a[:4] == b[:4] and a[9:-4] == b[9:-4] and checksum(b) == 0


def timestamp(value):
    return bytes([
        0x21 | value >> 29 & 0xE, value >> 22 & 0xFF, value >> 14 & 0xFE | 1, value >> 7 & 0xFF, value << 1 & 0xFE | 1])


def pes(payload, pts=None, header=None):
    fields = b"" if pts is None else timestamp(pts % CIRCLE)
    fields = fields.ljust(header or len(fields), b"\xff")
    head = bytes([0x84, 0 if pts is None else 0x80, len(fields)])
    return b"\0\0\1\xbd" + (len(head) + len(fields) + len(payload)).to_bytes(2, "big") + head + fields + payload


class Packetizer:
    def __init__(self):
        self.counters = {}

    def put(self, pid, unit, is_section=False):
        """Packets of a unit: sections are stuffed behind, PES packets in the adaptation field."""
        out = b""
        unit = b"\0" + unit if is_section else unit
        for at in range(0, len(unit), 184):
            part, field = unit[at:at + 184], b""
            if is_section:
                part = part.ljust(184, b"\xff")
            elif len(part) < 184:
                room = 184 - len(part)
                field = bytes([room - 1]) + (b"\0" + b"\xff" * (room - 2) if room > 1 else b"")
            counter = self.counters[pid] = (self.counters.get(pid, 15) + 1) & 15
            out += bytes([0x47, (0 if at else 0x40) | pid >> 8, pid & 255, (0x30 if field else 0x10) | counter])
            out += field + part
        return out


def packets_of(data):
    for at in range(0, len(data), 188):
        packet = data[at:at + 188]
        pid = int.from_bytes(packet[1:3], "big") & 0x1FFF
        start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        yield packet, pid, bool(packet[1] & 0x40), packet[start:] if packet[3] & 0x10 else b""


def pts_of(unit):
    if not unit[7] & 0x80:
        return None
    a = unit[9:14]
    return (a[0] >> 1 & 7) << 30 | a[1] << 22 | a[2] >> 1 << 15 | a[3] << 7 | a[4] >> 1


def map_of(section):
    """The descriptors of the program, and of each stream its PID, type and descriptors."""
    end = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    program, streams, at = section[12:end], [], end
    while at < len(section) - 4:
        size = int.from_bytes(section[at + 3:at + 5], "big") & 0xFFF
        streams.append((int.from_bytes(section[at + 1:at + 3], "big") & 0x1FFF, section[at], section[at + 5:at + 5 + size]))
        at += 5 + size
    return program, streams


def add(data):
    """A transport stream with one program, and the same with data behind every fifth picture; and what was added: the
    stream's type, when it is due, and its bytes."""
    out, added, number, packetizer, map_pid, video = b"", [], 0, Packetizer(), None, None
    for packet, pid, starts, payload in packets_of(data):
        if pid == 0:
            map_pid = int.from_bytes(payload[11:13], "big") & 0x1FFF
        if pid == map_pid and starts:
            section = payload[1:4 + (int.from_bytes(payload[2:4], "big") & 0xFFF)]
            program, streams = map_of(section)
            video = next(p for p, kind, _ in streams if kind in (0x1B, 0x24))
            program += CUEI + POINTER
            body = section[:10] + (0xF000 | len(program)).to_bytes(2, "big") + program
            for p, kind, descriptors in (*streams, *TRACKS):
                body += bytes([kind]) + (0xE000 | p).to_bytes(2, "big") + (0xF000 | len(descriptors)).to_bytes(2, "big")
                body += descriptors
            out += packetizer.put(map_pid, sealed(body), is_section=True)
            continue
        out += packet
        if pid != video or not starts:
            continue
        number += 1
        due = pts_of(payload)
        if number % 5:
            continue
        if number % 15 == 0:
            section = splice(due, 0 if number % 2 else 123_456_789 + number, number)
            added.append((SPLICE_TYPE, due, section))
            out += packetizer.put(0x1F0, section, is_section=True)
        elif number % 15 == 5:
            tag = b"ID3\x04\0\0\0\0\0\x10PRIV" + number.to_bytes(12, "big") * (1 + number)
            added.append((ID3_TYPE, due, tag))
            out += packetizer.put(0x1F1, pes(tag, due))
        else:
            page = b"\x10" + (b"\x02\x2c" + number.to_bytes(44, "big")) * 3
            added.append((PRIVATE_TYPE, None if number % 2 else due, page))
            out += packetizer.put(0x1F2, pes(page, added[-1][1], header=36))
    return out, added


class Found:
    """What is in a transport stream that tables begin."""

    def __init__(self, data):
        self.maps, self.units, self.video, open_units, kinds, map_pid = [], [], [], {}, {}, None
        for _, pid, starts, payload in packets_of(data):
            if pid == 0:
                map_pid = int.from_bytes(payload[11:13], "big") & 0x1FFF
            elif pid == map_pid and starts:
                section = payload[1:4 + (int.from_bytes(payload[2:4], "big") & 0xFFF)]
                if not self.maps or self.maps[-1] != map_of(section):
                    self.maps.append(map_of(section))
                kinds = {p: kind for p, kind, _ in self.maps[-1][1]}
            elif pid in kinds:
                if starts:
                    self.take(kinds, pid, open_units.pop(pid, b""))
                    open_units[pid] = payload
                else:
                    open_units[pid] = open_units.get(pid, b"") + payload
        for pid in list(open_units):
            self.take(kinds, pid, open_units.pop(pid))

    def take(self, kinds, pid, unit):
        kind = kinds[pid]
        if not unit:
            return
        if kind == SPLICE_TYPE:
            section = unit[1:4 + (int.from_bytes(unit[2:4], "big") & 0xFFF)]
            self.units.append((kind, splice_time(section), section))
        elif kind in (ID3_TYPE, PRIVATE_TYPE):
            end = 6 + int.from_bytes(unit[4:6], "big")
            self.units.append((kind, pts_of(unit), unit[9 + unit[8]:end]))
        elif kind in (0x1B, 0x24):
            self.video.append(pts_of(unit))

    @property
    def map(self):
        return self.maps[-1]
