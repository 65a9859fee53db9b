"""One drill: waits for health, breaks something at a random moment, mends it, and keeps what viewers noticed."""

import datetime
import os
import pathlib
import resource
import sys
import time

import chaos_report
from chaos_load import QUIET_MS, now
from chaos_victims import Victims
from cluster_process import until

# A fault lasts until viewers are served again, at most so long, in seconds.
FAULT_LASTS_AT_MOST = 6
HEALTH_DEADLINE = 30
# The random part of the moment of a fault, in seconds: more than the time between two keyframes.
MOMENT = (0.2, 1.7)
# A dispatcher that is back ties up loose ends after five seconds: until then viewers are watched.
SETTLING = 6


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine_cpu():
    """Processor seconds that the whole machine has used (proc(5)): all but idling and waiting."""
    fields = [int(each) for each in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def time_of_day():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S.%f")[:-3] + "Z"


class Drill:
    def __init__(self, cluster, load, random):
        self.cluster = cluster
        self.load = load
        self.random = random
        self.victims = Victims(cluster, load, random, self.await_health, say)
        # Whether the dispatchers are away for longer than one fault.
        self.is_held = False
        self.began = now()
        self.cpu = self.cpu_seconds()

    # The processor.

    def cpu_seconds(self):
        """Used up to now by the cluster, the load generator, this tool, and the whole machine."""
        tool, ended = (
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
        nodes = ended + sum(program.cpu() for program in self.cluster.programs)
        return nodes, self.load.cpu(), tool, machine_cpu()

    def cpu_shares(self):
        """Of one processor since the drill began."""
        span = max(now() - self.began, 1e-9)
        nodes, load, tool, machine = ((after - before) / span for before, after in zip(self.cpu, self.cpu_seconds()))
        return {"nodes": nodes, "loadgen": load, "tool": tool, "others": max(0, machine - nodes - load - tool)}

    # Health.

    def is_served(self, edge):
        """Whether an edge has every stream."""
        live = {stream["name"] for stream in edge.streams() if stream["state"] == "live" and stream.get("publisher")}
        wanted = {name for at, name in map(self.load.seat, range(self.load.viewers)) if at is edge}
        return wanted <= live

    def await_health(self):
        since = now()
        self.load.check()

        def healthy():
            return (
                self.load.is_quiet(since) and all(node.is_ready for node in self.cluster.nodes.values())
                and all(map(self.is_served, self.load.edges)) and not self.cluster.unseen())

        until(healthy, lambda: f"the cluster is healthy again: {self.complaints()}", HEALTH_DEADLINE, 0.1)

    def complaints(self):
        """What keeps the cluster from being healthy."""
        found = [f"{node.spec.id} is not ready" for node in self.cluster.nodes.values() if not node.is_ready]
        found += [f"{edge.spec.id} has not every stream" for edge in self.load.edges if not self.is_served(edge)]
        found += [f"no dispatcher sees {name}" for name in self.cluster.unseen()]
        if self.load.intervals:
            last = self.load.intervals[-1]
            found.append(
                f"{last['playing']} of {self.load.viewers} viewers play, {last['publishing']} of {self.load.streams} "
                f"encoders publish, the longest stall is {last['longest_stall_ms']} ms, {last['lost']} lost")
        return "; ".join(found)

    def pause(self):
        time.sleep(self.random.uniform(*MOMENT))

    def watch(self, seconds):
        """Viewers go on being counted."""
        end = now() + seconds
        self.load.await_past(end, seconds + 10)

    # Dispatchers.

    def dismiss(self):
        for dispatcher in self.cluster.dispatchers.values():
            dispatcher.kill()

    def recall(self):
        """Starts the dispatchers that are away, and waits until they have taken everything in."""
        for dispatcher in self.cluster.dispatchers.values():
            if not dispatcher.is_running:
                self.cluster.restart(dispatcher)
        self.await_health()
        self.watch(SETTLING)

    # Faults.

    def strike(self, fault, seconds=None):
        """Once: the outcome. `seconds` is how long the fault lasts, where the fault itself does not decide."""
        self.await_health()
        victims = self.victims.choose(fault.victim)
        self.await_health()
        hung = self.victims.hung(victims)
        is_dismissed = fault.undispatched and not self.is_held
        at, start = time_of_day(), now()
        if is_dismissed:
            self.dismiss()
        self.pause()
        if not is_dismissed:
            # A while has gone by, in which the dispatchers may have led a stream another way.
            hung, at, start = self.victims.hung(victims), time_of_day(), now()
        self.inflict(fault, victims, seconds)
        if is_dismissed:
            self.recall()
        elif fault.settles and not self.is_held:
            self.watch(SETTLING)
        return self.outcome(victims, at, start, hung)

    def inflict(self, fault, victims, seconds):
        start = now()
        for victim in victims:
            fault.inject(self.cluster, victim)
        self.watch(max(0, start + (seconds or fault.lasts) - now()))
        until(lambda: self.load.is_quiet(start) or now() > start + FAULT_LASTS_AT_MOST, "the fault has lasted", 30)
        for victim in victims:
            fault.restore(self.cluster, victim)
        self.await_health()

    def outcome(self, victims, at, start, hung):
        """Of what viewers have counted since `start`; `victims` are programs, or words."""
        healthy = now()
        self.load.await_past(healthy)
        name = victims if isinstance(victims, str) else "+".join(victim.spec.id for victim in victims)
        return chaos_report.outcome(
            name, at, start, healthy, self.load.between(start, healthy), hung, QUIET_MS)

    def hold(self, fault, times, seconds):
        """`times` faults while all dispatchers are away, at random moments of so many seconds. Yields each outcome,
        and at last that of the whole absence, for which every viewer counts."""
        self.await_health()
        at, start = time_of_day(), now()
        self.dismiss()
        self.is_held = True
        try:
            slot = seconds / times
            for number in range(times):
                moment = start + slot * (number + self.random.uniform(0, 0.5))
                self.watch(max(0, moment - now()))
                yield self.strike(fault)
            self.watch(max(0, start + seconds - now()))
        finally:
            self.is_held = False
        self.recall()
        whole = self.outcome("all dispatchers", at, start, set(range(self.load.viewers)))
        # The last of many faults is what would be taken for the recovery from this one.
        whole.recovered_s = 0
        yield whole
