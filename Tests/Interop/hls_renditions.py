"""The renditions of a stream as its multivariant playlist tells of them, and the rules of RFC 8216bis for their playlists
side by side.

    python3 Tests/Interop/hls_renditions.py http://HOST:PORT/APP/STREAM/index.m3u8 [SECONDS]

Ends with 0 if no rule was broken; each that was is told once, with where.
"""

import sys
import time
from urllib.parse import urljoin

from hls_client import Client, Playlist, attributes


class Multivariant:
    def __init__(self, text):
        self.text, self.media, self.variants = text, [], []
        lines = text.split("\n")
        assert lines[0] == "#EXTM3U" and lines[-1] == "", "a playlist begins with #EXTM3U and ends with a line's end"
        variant = None
        for line in lines[1:-1]:
            name, _, value = line.partition(":")
            if name == "#EXT-X-MEDIA":
                self.media.append(attributes(value))
            elif name == "#EXT-X-STREAM-INF":
                variant = attributes(value)
            elif not line.startswith("#"):
                assert variant is not None, f"{line} is no variant's"
                self.variants.append((variant, line))
                variant = None
            else:
                assert name in ("#EXT-X-VERSION", "#EXT-X-INDEPENDENT-SEGMENTS"), f"an unknown tag: {name}"
        assert self.variants and variant is None, "there is a variant, and it has an address"

    @property
    def addresses(self):
        """Of all media playlists, the variants' first."""
        return [uri for _, uri in self.variants] + [m["URI"] for m in self.media if "URI" in m]


class SideBySide:
    def __init__(self, index):
        self.base, self.client, self.broken = index, Client(index), []
        self.reports = self.compared = 0

    def rule(self, holds, text):
        if not holds and text not in self.broken:
            self.broken.append(text)
        return holds

    def follow(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(0.1)
        return self

    def check(self):
        index = Multivariant(self.client.get().text)
        self.check_group(index)
        addresses = [address.partition("?")[0] for address in index.addresses]
        before = [self.playlist(address) for address in addresses]
        now = [self.playlist(address) for address in addresses]
        after = [self.playlist(address) for address in addresses]
        for one, address in zip(now, addresses):
            for other, other_address, earlier, later in zip(now, addresses, before, after):
                if address == other_address:
                    continue
                self.check_pair(address, one, other_address, other)
                self.check_report(address, one, other_address, earlier, later)
        self.check_bandwidth(index, addresses, now)

    def playlist(self, address):
        answer = self.client.get(urljoin(self.base, address))
        assert answer.status == 200, f"{address} is answered {answer.status}"
        return Playlist(answer.text)

    def check_group(self, index):
        groups = {m["GROUP-ID"] for m in index.media}
        for group in groups:
            members = [m for m in index.media if m["GROUP-ID"] == group]
            names = [m["NAME"] for m in members]
            self.rule(len(set(names)) == len(names), f"§4.4.6.1.1 names twice: {names}")
            self.rule(sum(m.get("DEFAULT") == "YES" for m in members) <= 1, "§4.4.6.1.1 several defaults")
            for m in members:
                self.rule(m.get("TYPE") == "AUDIO", f"no audio: {m}")
                self.rule(m.get("DEFAULT") != "YES" or m.get("AUTOSELECT") == "YES", f"§4.4.6.1 a default not to select: {m}")
                self.rule(int(m.get("CHANNELS", 1)) > 0, f"channels: {m}")
        for variant, _ in index.variants:
            self.rule({variant.get("AUDIO")} - {None} <= groups, f"§4.4.6.2 no such group: {variant}")
            self.rule("CODECS" in variant and int(variant["BANDWIDTH"]) > 0, f"§4.4.6.2 {variant}")

    def check_pair(self, name, one, other_name, other):
        self.rule(one.target == other.target, f"§6.2.4 targets of {name} and {other_name}: {one.target}, {other.target}")
        if one.part_target and other.part_target:
            back = float(one.control.get("PART-HOLD-BACK", 0))
            self.rule(back >= 3 * other.part_target - 1e-6, f"§4.4.3.8 PART-HOLD-BACK of {name}, {other_name} has longer parts")
        known = {s.number: s for s in other.segments}
        for segment in one.segments:
            same = known.get(segment.number)
            if same is None:
                continue
            self.compared += 1
            where = f"segment {segment.number} of {name} and {other_name}"
            self.rule(same.discontinuity == segment.discontinuity, f"§6.2.4 {where}: discontinuities differ")
            if segment.date and same.date:
                self.rule(abs(segment.date - same.date) < 0.15, f"{where}: {segment.date - same.date:.3f} s apart")
            if not segment.is_gap and not same.is_gap:
                apart = abs(segment.duration - same.duration)
                self.rule(apart < 0.15, f"{where}: {segment.duration} and {same.duration} s long")

    def check_report(self, name, one, other_name, earlier, later):
        found = [r for r in one.reports if r["URI"].partition("?")[0] == other_name]
        if not one.part_target or one.is_ended:
            self.rule(not one.reports, f"{name} reports, and nobody waits for parts")
            return
        if not self.rule(len(found) == 1, f"B.1 {name} has {len(found)} reports on {other_name}"):
            return
        self.reports += 1
        said = int(found[0]["LAST-MSN"]), int(found[0].get("LAST-PART", -1))
        self.rule(earlier.last <= said <= later.last,
                  f"§4.4.5.4 {name} says {said} of {other_name}, which was {earlier.last} before and {later.last} after")

    def check_bandwidth(self, index, addresses, lists):
        """What a player loads that takes the variant and the heaviest of its group, in any one segment (§4.4.6.2)."""
        number = lists[0].segments[-1].number
        sizes = {}
        for address, playlist in zip(addresses, lists):
            for segment in playlist.segments:
                if segment.number == number and not segment.is_gap:
                    answer = self.client.get(urljoin(self.base, segment.uri), "HEAD")
                    sizes[address] = 8 * int(answer.headers["content-length"]) / segment.duration
        (variant, main), *_ = index.variants
        most = sizes.pop(main.partition("?")[0], 0) + max(sizes.values(), default=0)
        # The newest segment may be heavier than all that had been measured.
        self.rule(most <= int(variant["BANDWIDTH"]) * 1.5, f"{most:.0f} bit/s where {variant['BANDWIDTH']} are told")


def main():
    checker = SideBySide(sys.argv[1]).follow(float(sys.argv[2]) if len(sys.argv) > 2 else 60)
    print("\n".join([f"{checker.compared} segments, {checker.reports} reports"] + [f"BROKEN: {x}" for x in checker.broken]))
    return 1 if checker.broken else 0


if __name__ == "__main__":
    sys.exit(main())
