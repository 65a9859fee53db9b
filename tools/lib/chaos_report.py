"""From intervals to figures: what one fault did to the viewers, the table of a drill, and the limits it is held to.

Pure: lists of numbers in, text and verdicts out.
"""

import math
from dataclasses import dataclass, field


# What viewers count: pictures missing, pictures that came twice, timestamps that went back and that stood still, and
# viewers that were disconnected.
COUNTS = ("lost", "doubled", "backwards", "unmoved", "disconnects")


@dataclass
class Limits:
    """What a fault may cost; None where the fault itself decides."""

    lost: int = None
    doubled: int = 0
    backwards: int = 0
    unmoved: int = 0
    disconnects: int = 0
    stall_p99_ms: float = None
    stall_max_ms: float = None
    # Beyond the time that the encoder itself was away.
    stall_over_gap_ms: float = None


@dataclass
class Outcome:
    """One fault, once."""

    victim: str
    at: str
    lost: int
    doubled: int
    backwards: int
    unmoved: int
    disconnects: int
    # Of each viewer that hung on the victim, and of the others, in milliseconds.
    stalls: list
    others: list
    gap_ms: float
    recovered_s: float
    healthy_s: float
    publish_delay_ms: float


def percentile(values, fraction):
    """The value that `fraction` of the values do not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]


def outcome(victim, at, start, healthy, intervals, hung, quiet_ms):
    """Adds up what the intervals of one fault tell. `hung` holds the numbers of the viewers that hung on the victim."""
    total = {key: sum(each[key] for each in intervals) for key in COUNTS}
    count = max((len(each["stalls_ms"]) for each in intervals), default=0)
    worst = [max(each["stalls_ms"][i] for each in intervals if i < len(each["stalls_ms"])) for i in range(count)]
    disturbed = [
        each["until_s"] for each in intervals
        if each["longest_stall_ms"] >= quiet_ms or each["playing"] < each["viewers"]]
    return Outcome(
        victim=victim, at=at, **total, stalls=[worst[i] for i in range(count) if i in hung],
        others=[worst[i] for i in range(count) if i not in hung],
        gap_ms=max((each.get("publish_gap_max_ms", 0) for each in intervals), default=0),
        recovered_s=max(0, max(disturbed, default=start) - start), healthy_s=healthy - start,
        publish_delay_ms=max((each.get("publish_delay_max_ms", 0) for each in intervals), default=0))


@dataclass
class Row:
    """One line of the table: a fault, all its times together."""

    fault: str
    limits: Limits
    outcomes: list = field(default_factory=list)
    skipped: str = ""

    def total(self, key):
        return sum(getattr(each, key) for each in self.outcomes)

    @property
    def stalls(self):
        return [stall for each in self.outcomes for stall in each.stalls]

    @property
    def over_gap(self):
        """The longest stall beyond what its encoder was away."""
        return max((max(each.stalls, default=0) - each.gap_ms for each in self.outcomes), default=0)

    def misses(self):
        """The limits that were not kept, in words."""
        found = []
        for key in COUNTS:
            limit = getattr(self.limits, key)
            if limit is not None and self.total(key) > limit:
                found.append(f"{self.total(key)} {key}, at most {limit}")
        for limit, value, name in (
            (self.limits.stall_p99_ms, percentile(self.stalls, 0.99), "stall p99"),
            (self.limits.stall_max_ms, max(self.stalls, default=0), "longest stall"),
            (self.limits.stall_over_gap_ms, self.over_gap, "stall beyond the encoder's gap"),
        ):
            if limit is not None and value > limit:
                found.append(f"{name} {value:.0f} ms, at most {limit:.0f}")
        return found

    def figures(self):
        stalls = self.stalls
        return {
            "fault": self.fault, "times": len(self.outcomes), "viewers": len(stalls),
            **{key: self.total(key) for key in COUNTS}, "stall_p50_ms": round(percentile(stalls, 0.5), 1),
            "stall_p99_ms": round(percentile(stalls, 0.99), 1), "stall_max_ms": round(max(stalls, default=0), 1),
            "others_max_ms": round(max((s for each in self.outcomes for s in each.others), default=0), 1),
            "encoder_gap_ms": round(max((each.gap_ms for each in self.outcomes), default=0), 1),
            "recovered_p50_s": round(percentile([each.recovered_s for each in self.outcomes], 0.5), 2),
            "recovered_max_s": round(max((each.recovered_s for each in self.outcomes), default=0), 2),
            "skipped": self.skipped, "missed": self.misses(),
        }


HEADINGS = (
    ("fault", "fault"), ("times", "times"), ("viewers", "viewers"), ("lost", "lost"), ("doubled", "doubled"),
    ("backwards", "back"), ("unmoved", "still"), ("disconnects", "disc"), ("stall_p50_ms", "stall p50"),
    ("stall_p99_ms", "p99"), ("stall_max_ms", "max, ms"), ("others_max_ms", "others max"),
    ("encoder_gap_ms", "encoder gap"), ("recovered_max_s", "recovered in, s"), ("missed", "limits"))


def table(rows):
    """The rows as text in columns."""
    lines = [[heading for _, heading in HEADINGS]]
    for row in rows:
        figures = row.figures()
        nothing = f"skipped: {row.skipped or 'the drill ended before'}"
        verdict = "; ".join(figures["missed"]) or ("kept" if row.outcomes else nothing)
        lines.append([str(figures[key]) for key, _ in HEADINGS[:-1]] + [verdict])
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    text = []
    for line in lines:
        cells = [line[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(line[1:-1], widths[1:-1])] + [line[-1]]
        text.append("  ".join(cells))
    return "\n".join(text)


class Book:
    """All rounds of a drill together."""

    def __init__(self):
        self.rows = {}
        # What viewers counted outside the faults, and processor seconds by who used them.
        self.between = dict.fromkeys(COUNTS, 0)
        self.cpu = {}
        self.seconds = 0.0

    def row(self, fault, limits):
        return self.rows.setdefault(fault, Row(fault, limits))

    def close_round(self, intervals, outcomes, shares, seconds):
        """`outcomes` are the round's own: what they account for happened in no other time."""
        for key in COUNTS:
            self.between[key] += sum(each[key] for each in intervals) - sum(getattr(each, key) for each in outcomes)
        for name, share in shares.items():
            self.cpu[name] = self.cpu.get(name, 0) + share * seconds
        self.seconds += seconds

    def shares(self):
        return {name: used / max(self.seconds, 1e-9) for name, used in self.cpu.items()}

    @property
    def is_kept(self):
        return not any(row.misses() for row in self.rows.values())

    def figures(self):
        return {
            "seconds": round(self.seconds, 1), "cpu": {name: round(share, 3) for name, share in self.shares().items()},
            "between": self.between, "faults": [row.figures() for row in self.rows.values()]}
