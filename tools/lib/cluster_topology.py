"""The file of tools/cluster: which nodes there are, where they stand, and who asks whom for streams, or which
dispatchers are asked.

Pure: text in, a Topology or a TopologyError out. Every error names the file and the place, and says what to write.
"""

import math
import re
from dataclasses import dataclass, field

import cluster_transport

ROLES = ("ingest", "relay", "edge")
# Nodes of one cluster: the last number of an address, with room for the network's own.
MAX_NODES = 200
MAX_DISPATCHERS = 9
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
RATE = re.compile(r"[0-9]+(\.[0-9]+)?(kbit|mbit|gbit)$")
EARTH_RADIUS_KM = 6371


class TopologyError(Exception):
    pass


@dataclass
class Place:
    id: str
    latitude: float
    longitude: float
    # As in conf/topology.yaml.
    region: str = ""
    transport: str = None

    def distance(self, other):
        """Kilometres along the surface."""
        a, b = math.radians(self.latitude), math.radians(other.latitude)
        east = math.radians(other.longitude - self.longitude)
        chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(east / 2) ** 2
        return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1, chord)))


@dataclass
class NodeSpec:
    id: str
    idc: str
    roles: tuple
    parents: list = None
    rate: str = None
    settings: dict = field(default_factory=dict)
    # For the dispatchers: marks as in conf/topology.yaml, over what follows from the rate.
    capacity: dict = field(default_factory=dict)
    # What others dial it over.
    transports: tuple = ("tcp",)

    @property
    def ports(self):
        return ("rtmp", "http", "api", *(cluster_transport.RELAY_PORTS[name] for name in self.transports))


@dataclass
class DispatcherSpec:
    id: str
    rate: str = None
    settings: dict = field(default_factory=dict)
    # Whether nodes reach it over TLS.
    is_sealed: bool = False

    @property
    def ports(self):
        return ("dispatch_tls" if self.is_sealed else "dispatch", "api")


@dataclass
class Topology:
    places: dict
    nodes: list
    dispatchers: list = field(default_factory=list)
    # As in conf/topology.yaml: for the dispatchers, and for what links talk over.
    links: list = field(default_factory=list)
    classes: list = field(default_factory=list)
    # What all links talk over, whatever the file says.
    over: str = None

    @property
    def machines(self):
        """Whatever needs an address; the nodes first, so that theirs do not depend on the dispatchers."""
        return [*self.nodes, *self.dispatchers]

    def node(self, name):
        return next((node for node in self.nodes if node.id == name), None)

    def with_role(self, role):
        return [node for node in self.nodes if role in node.roles]

    def transport(self, parent, child):
        """What the one node is dialled over from the other."""
        return cluster_transport.between(self, self.places[parent.idc], self.places[child.idc])

    def nearest(self, node, others):
        """The others as seen from `node`: its own data centre first, then by distance, then by name."""
        here = self.places[node.idc]
        found = [other for other in others if other.id != node.id]
        return sorted(found, key=lambda o: (o.idc != node.idc, here.distance(self.places[o.idc]), o.id))

    def choose_parents(self):
        """Parents for those nodes for which the file names none."""
        relays = self.with_role("relay") or self.with_role("ingest")
        for node in self.nodes:
            if node.parents is not None:
                continue
            if "relay" in node.roles or "ingest" in node.roles:
                found = self.nearest(node, self.with_role("ingest"))
            else:
                found = self.nearest(node, relays)
            node.parents = [other.id for other in found]


def fail(where, what):
    raise TopologyError(f"{where}: {what}")


def scalar(value):
    """A setting as `--set` takes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def settings(value, where):
    if value is None:
        return {}
    if not isinstance(value, dict):
        fail(where, "settings is a table of keys of conf/sluice.yaml, such as {threads: 1}")
    flat = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat.update({f"{key}.{below}": scalar(one) for below, one in item.items()})
        else:
            flat[str(key)] = scalar(item)
    return flat


def known_keys(table, keys, where):
    if not isinstance(table, dict):
        fail(where, f"write it as a table with {', '.join(keys)}")
    for key in table:
        if key not in keys:
            fail(where, f"'{key}' is not known; the keys are {', '.join(keys)}")


def entries(document, key, name):
    listed = document.get(key)
    if not isinstance(listed, list) or not listed:
        fail(name, f"'{key}' is missing; it lists at least one entry")
    return listed


def identity(entry, where):
    value = str(entry.get("id", ""))
    if not NAME.match(value):
        fail(where, f"id '{value}': letters, digits, '.', '-' and '_', at most 63")
    return value


def rate(value, where):
    if value is not None and not RATE.match(str(value)):
        fail(where, f"rate '{value}': write it as 200mbit or 1gbit")
    return value


def transport(value, where):
    if value is not None and value not in cluster_transport.NAMES:
        fail(where, f"transport '{value}': write tcp, tls or srt")
    return value


def place(entry, where):
    known_keys(entry, ("id", "latitude", "longitude", "region", "transport"), where)
    name = identity(entry, where)
    try:
        found = Place(
            name, float(entry["latitude"]), float(entry["longitude"]), str(entry.get("region", "")),
            transport(entry.get("transport"), f"{where} ({name})"))
    except (KeyError, TypeError, ValueError):
        fail(where, "latitude and longitude are numbers, in degrees")
    if not (-90 <= found.latitude <= 90 and -180 <= found.longitude <= 180):
        fail(where, "latitude is from -90 to 90, longitude from -180 to 180")
    return found


def node(entry, places, standard, standard_rate, where):
    known_keys(entry, ("id", "idc", "roles", "parents", "rate", "settings", "capacity"), where)
    name = identity(entry, where)
    idc = str(entry.get("idc", ""))
    if idc not in places:
        fail(where, f"{name}: idc '{idc}' is not among the idcs: {', '.join(places)}")
    roles = entry.get("roles")
    if not isinstance(roles, list) or not roles or any(role not in ROLES for role in roles):
        fail(where, f"{name}: roles is a list of {', '.join(ROLES)}")
    parents = entry.get("parents")
    if parents is not None and not isinstance(parents, list):
        fail(where, f"{name}: parents is a list of node ids, in the order in which they are asked")
    return NodeSpec(
        name, idc, tuple(roles), None if parents is None else [str(each) for each in parents],
        rate(entry.get("rate", standard_rate), f"{where} ({name})"),
        {**standard, **settings(entry.get("settings"), f"{where} ({name})")},
        table_of(entry, "capacity", dict, f"{where} ({name})"))


def dispatcher(entry, standard_rate, where):
    known_keys(entry, ("id", "rate", "settings"), where)
    name = identity(entry, where)
    return DispatcherSpec(
        name, rate(entry.get("rate", standard_rate), f"{where} ({name})"),
        settings(entry.get("settings"), f"{where} ({name})"))


def dispatchers(document, standard_rate, name):
    """A list of them, or how many."""
    listed = document.get("dispatchers", 0)
    if isinstance(listed, int) and not isinstance(listed, bool):
        listed = [{"id": f"dispatch-{index}"} for index in range(1, listed + 1)]
    if not isinstance(listed, list) or len(listed) > MAX_DISPATCHERS:
        fail(name, f"dispatchers is a number up to {MAX_DISPATCHERS}, or a list such as [{{id: dispatch-1}}]")
    return [
        dispatcher(entry, standard_rate, f"{name}: dispatchers[{index}]") for index, entry in enumerate(listed)]


def table_of(document, key, kind, where):
    value = document.get(key)
    if value is not None and not isinstance(value, kind):
        fail(where, f"{key} is written as in conf/topology.yaml")
    return value or kind()


def ways(document, key, name):
    """Links, or classes of them."""
    listed = table_of(document, key, list, name)
    for index, entry in enumerate(listed):
        where = f"{name}: {key}[{index}]"
        if not isinstance(entry, dict):
            fail(where, "write it as in conf/topology.yaml")
        transport(entry.get("transport"), where)
    return listed


def check_names(topology, name):
    ids = [each.id for each in topology.machines]
    for each in topology.machines:
        if ids.count(each.id) > 1:
            fail(name, f"'{each.id}' is there twice")
    nodes = [each.id for each in topology.nodes]
    for each in topology.nodes:
        if each.parents is not None and topology.dispatchers:
            fail(name, f"{each.id}: parents are the dispatchers' to choose; leave out either")
        for parent in each.parents or []:
            if parent not in nodes or parent == each.id:
                fail(name, f"{each.id}: parent '{parent}' is no other node")


def read(text, name, over=None):
    """The topology that `text` describes; `name` is the file's, for errors. All links talk `over` one transport where it
    is given."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        fail(name, f"no YAML: {error}")
    known_keys(document, ("idcs", "nodes", "rate", "settings", "dispatchers", "links", "classes"), name)
    places = {}
    for index, entry in enumerate(entries(document, "idcs", name)):
        found = place(entry, f"{name}: idcs[{index}]")
        if found.id in places:
            fail(name, f"idc '{found.id}' is there twice")
        places[found.id] = found
    standard = settings(document.get("settings"), name)
    standard_rate = rate(document.get("rate"), name)
    nodes = [
        node(entry, places, standard, standard_rate, f"{name}: nodes[{index}]")
        for index, entry in enumerate(entries(document, "nodes", name))]
    if len(nodes) > MAX_NODES:
        fail(name, f"{len(nodes)} nodes; at most {MAX_NODES} fit")
    topology = Topology(
        places, nodes, dispatchers(document, standard_rate, name), ways(document, "links", name),
        ways(document, "classes", name))
    check_names(topology, name)
    topology.choose_parents()
    if over:
        cluster_transport.make_all(topology, over)
    cluster_transport.choose(topology)
    return topology
