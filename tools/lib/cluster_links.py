"""Whether each stream crosses into a data centre once: the bytes of the links between data centres, over some time,
against the bytes that the streams themselves had there.

Pure but for `survey`: what the nodes' APIs answer at two moments in, a table out. The relay puts a header before each
frame, which is counted in: what one copy of a stream weighs on a link is known to the byte, heartbeats apart.
"""

from dataclasses import dataclass, field

# Bytes of the relay protocol before each frame.
FRAME_HEADER = 40
# More than this over one copy is a second one, or the better part of it.
TOLERANCE = 0.05
HEADINGS = ("into", "from", "streams", "links, Mbit/s", "streams, Mbit/s", "with headers", "copies")


@dataclass
class Flow:
    """What came into one data centre from another."""

    into: str
    source: str
    # Streams that some node there gets from here, once for each such node.
    entries: list = field(default_factory=list)
    link_bytes: int = 0
    # Of one copy of each of these streams: media alone, and as the relay carries it.
    media_bytes: int = 0
    wire_bytes: int = 0

    @property
    def copies(self):
        return self.link_bytes / self.wire_bytes if self.wire_bytes else 0.0


def survey(cluster):
    """What the nodes say now: name -> (links, streams). A node that does not answer has none."""
    return {name: (node.links(), node.streams()) for name, node in cluster.nodes.items()}


def growth(before, after, key, *names):
    """key(entry) -> how much the sum of the named counters has grown, of the entries that are there at the end."""
    old = {key(each): sum(each[name] for name in names) for each in before}
    return {key(each): sum(each[name] for name in names) - old.get(key(each), 0) for each in after}


def stream_name(stream):
    return f"{stream['app']}/{stream['name']}"


def weights(before, after):
    """Of every stream that has an encoder: (media bytes, frames) in between."""
    found = {}
    for name, (_, streams) in after.items():
        own = [each for each in streams if each.get("publisher") and not each.get("upstream")]
        media = growth(before[name][1], own, stream_name, "bytesIn")
        frames = growth(before[name][1], own, stream_name, "framesVideo", "framesAudio")
        found.update({stream: (media[stream], frames[stream]) for stream in media})
    return found


def flows(before, after, idc_of):
    """(into, from) -> Flow, of all pairs of data centres between which anything came in. `idc_of` maps nodes."""
    found = {}
    weight = weights(before, after)

    def flow(into, source):
        return found.setdefault((into, source), Flow(into, source))

    for name, (links, streams) in after.items():
        here = idc_of[name]
        grown = growth(before[name][0], links, lambda link: link["session"], "bytesIn")
        for link in links:
            if (there := idc_of.get(link["node"])) not in (None, here):
                flow(here, there).link_bytes += grown[link["session"]]
        for stream in streams:
            there = idc_of.get((stream.get("upstream") or {}).get("parent"))
            if there not in (None, here):
                flow(here, there).entries.append(stream_name(stream))
    for each in found.values():
        for stream in set(each.entries):
            media, frames = weight.get(stream, (0, 0))
            each.media_bytes += media
            each.wire_bytes += media + FRAME_HEADER * frames
    return found


def doubled(found):
    """(data centre, stream) pairs that more than one link brings in."""
    pairs = [(each.into, stream) for each in found.values() for stream in each.entries]
    return sorted({pair for pair in pairs if pairs.count(pair) > 1})


def verdict(found):
    """What is wrong in words, or nothing."""
    words = [f"{stream} enters {idc} more than once" for idc, stream in doubled(found)]
    for each in found.values():
        if each.wire_bytes and each.copies > 1 + TOLERANCE:
            words.append(f"{each.source} sends {each.copies:.2f} copies to {each.into}")
    return words


def table(found, seconds):
    """The flows that carry streams as text in columns, and the verdict below."""
    lines = [HEADINGS]

    def megabits(count):
        return f"{count * 8 / seconds / 1e6:.3f}"

    for each in sorted(found.values(), key=lambda flow: (flow.into, flow.source)):
        if each.entries:
            lines.append((
                each.into, each.source, str(len(each.entries)), megabits(each.link_bytes), megabits(each.media_bytes),
                megabits(each.wire_bytes), f"{each.copies:.3f}"))
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    text = []
    for line in lines:
        names, figures = zip(line[:2], widths), zip(line[2:], widths[2:])
        text.append("  ".join([*(c.ljust(w) for c, w in names), *(c.rjust(w) for c, w in figures)]))
    text.append("; ".join(verdict(found)) or "Each stream enters each data centre once.")
    return "\n".join(text)
