"""The topology file that a cluster's dispatchers read, written from the cluster's own map.

Pure: a Topology in, text out. What the cluster's file says of capacities and links goes into it as it stands; the
dispatcher itself says what is wrong with them.
"""

import json
import re

# tc's names of units and the dispatcher's.
UNITS = {"kbit": "kbit", "mbit": "Mbit", "gbit": "Gbit"}
# What a node without a rate may send: nothing on one machine has more.
UNLIMITED = "10Gbit"
SESSIONS = 100_000
# Between two data centres without a word about them: paid for, so that one copy is cheaper than two.
WORLD = {"name": "world", "rtt": "great_circle", "capacity": UNLIMITED, "price_per_gb": 0.05}
# Of a data centre, where it is said.
WORDS = ("region", "transport")


def bits(rate):
    """A rate of tc as the topology spells it."""
    if rate is None:
        return UNLIMITED
    number, unit = re.match(r"([0-9.]+)([a-z]+)$", rate).groups()
    return f"{number}{UNITS[unit]}"


def capacity(node):
    """What the file says of the node, over what follows from its link."""
    rate = bits(node.rate)
    return {"out": rate, "in": rate, "sessions": SESSIONS, "cpu": 1, **node.capacity}


def listing(key, entries):
    # JSON in one line is YAML's flow style.
    return [f"{key}:"] + [f"  - {json.dumps(entry)}" for entry in entries] if entries else []


def topology_file(topology):
    places = [
        {
            "id": place.id, "latitude": place.latitude, "longitude": place.longitude,
            **{word: getattr(place, word) for word in WORDS if getattr(place, word)}}
        for place in topology.places.values()]
    nodes = [
        {"id": node.id, "idc": node.idc, "roles": list(node.roles), "capacity": capacity(node)}
        for node in topology.nodes]
    lines = [
        *listing("idcs", places), *listing("nodes", nodes), *listing("links", topology.links),
        *listing("classes", topology.classes or [WORLD])]
    return "\n".join(lines) + "\n"
