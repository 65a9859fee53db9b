/// The exact words for every kind of mistake in a topology file.
import Configuration
import Dispatch
import Fixtures
import Testing

@testable import ControlPlane

@Suite("A topology file is refused")
struct TopologyFileRefusalTests {
    /// Ends with line 2, so that what a test adds begins on line 3.
    static let small = TopologyFileTests.small

    static func problems(_ yaml: some Sequence<UInt8>) -> [String] {
        do {
            _ = try TopologyFile.parse(yaml: Array(yaml), file: "t.yaml")
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    static func problems(_ yaml: String) -> [String] { problems(yaml.utf8) }

    @Test("with all its problems at once, in the order of the file")
    func allAtOnce() {
        let yaml = """
            links:
              - {from: fra, to: iadd, capacity: 20Gbit, rtt: 88}
            idcs:
              - {id: fra, latitude: 95, longitude: 8.68}
              - {id: iad}
            nodes:
              - {id: fra-1, idc: fra, role: [edge], capacity: {out: 8gbit, in: 20000Tbit}}
              - id: fra-1
                idc: sin
            """
        #expect(
            Self.problems(yaml)
                == [
                    #"t.yaml:2: links[0].rtt: "88" has no unit; write one such as 88ms or 1.5s"#,
                    #"t.yaml:2: links[0].to: there is no IDC "iadd"; did you mean iad?"#,
                    #"t.yaml:4: idcs[0].latitude: "95" is out of range; it must be -90 to 90 degrees"#,
                    "t.yaml:7: nodes[0].role: unknown key; did you mean roles?",
                    #"t.yaml:7: nodes[0].capacity.out: "8gbit" is not a rate; did you mean 8Gbit?"#,
                    #"t.yaml:7: nodes[0].capacity.in: "20000Tbit" is out of range; "#
                        + "it must be above 0, at most 1000000000.0 (Mbit/s)",
                    #"t.yaml:9: nodes[1].idc: there is no IDC "sin"; list it under idcs, or correct the name"#,
                    "t.yaml:8: nodes[1].capacity: is missing; give it what the node can bear, such as {out: 8Gbit}",
                    #"t.yaml:8: nodes[1].id: node "fra-1" is given twice, first on line 7; rename or delete one of them"#,
                ].sorted { line($0) < line($1) })
    }

    @Test("when a quota is not one")
    func quotas() {
        let yaml = """
            quotas:
              - {app: live, viewers: 0}
              - {app: live, out: 5}
              - {stream: final, viewers: 3}
              - {stream: live/final, publishers: 3}
              - {app: a, stream: a/b, viewers: 3}
              - {app: b}
              - {viewers: 3, streams: 4}
              - {app: c, viewers: {soft: 5, hard: 3}}
              - {app: c, viewers: 5}
            """
        #expect(
            Self.problems(Self.small + yaml) == [
                #"t.yaml:4: quotas[0].viewers: "0" is too small; write a whole number above 0"#,
                #"t.yaml:5: quotas[1].out: "5" has no unit; write one such as 500Mbit or 10Gbit"#,
                "t.yaml:5: quotas[1]: the quota of application live is given twice, first on line 4; join the two",
                #"t.yaml:6: quotas[2].stream: "final" is not the name of a stream; write APP/NAME, such as live/final"#,
                "t.yaml:7: quotas[3].publishers: is a limit of applications, not of one stream; give it to app: live",
                "t.yaml:8: quotas[4].stream: stands beside an app; give the application and the stream an item each",
                "t.yaml:9: quotas[5]: limits nothing; give it viewers, out or publishers, or delete it",
                "t.yaml:10: quotas[6].streams: unknown key; did you mean stream?",
                "t.yaml:10: quotas[6].app: is missing; give it the name of an application, or a stream: APP/NAME",
                "t.yaml:11: quotas[7].viewers: the soft mark is above the hard one; lower the soft mark",
                "t.yaml:12: quotas[8]: the quota of application c is given twice, first on line 11; join the two",
            ])
    }

    private func line(_ problem: String) -> String { String(problem.prefix { $0 != " " }) }

    @Test(
        "when a list is not one, or holds nothing",
        arguments: [
            ("", "t.yaml: empty; list idcs and nodes in it, as conf/topology.yaml does"),
            ("# none\n", "t.yaml: empty; list idcs and nodes in it, as conf/topology.yaml does"),
            ("- a", "t.yaml:1: not a map of keys; list idcs and nodes in it, as conf/topology.yaml does"),
            ("hello", "t.yaml:1: not a map of keys; list idcs and nodes in it, as conf/topology.yaml does"),
            ("idcs: [{id: a}]", "t.yaml: nodes: is missing; list at least one, as conf/topology.yaml does"),
            ("nodes:\nidcs: []", "t.yaml:1: nodes: lists nothing; list at least one, as conf/topology.yaml does"),
            ("nodes:\nidcs: []", "t.yaml:2: idcs: lists nothing; list at least one, as conf/topology.yaml does"),
            ("idcs: {id: a}", #"t.yaml:1: idcs: is a list, not a map; begin each of its items with "- ""#),
            ("idcs: a", #"t.yaml:1: idcs: is a list, not a value; begin each of its items with "- ""#),
            ("idcs: [a]\nnodes: [b]", "t.yaml:1: idcs[0]: is not a map of keys; write {id: …, region: …}"),
            ("idcs: [a]\nnodes: [b]", "t.yaml:2: nodes[0]: is not a map of keys; write {id: …, idc: …}"),
            ("node: []", "t.yaml:1: node: unknown key; did you mean nodes?"),
            ("rate: 1", "t.yaml:1: rate: unknown key; the keys here are idcs, nodes, links, classes, quotas"),
            ("idcs: []\nidcs: []", "t.yaml:2: idcs: given twice, first on line 1; delete one of them"),
            ("a: &x 1\nb: *x", "t.yaml:2: an alias (*name); write the value itself"),
            ("a: 1\n---\nb: 2", #"t.yaml:2: a second document begins; delete the "---" line"#),
        ])
    func lists(yaml: String, problem: String) {
        let found = Self.problems(yaml)
        #expect(found.contains(problem), "\(found)")
    }

    @Test(
        "when something is wrong with an IDC",
        arguments: [
            ("{region: eu}", "idcs[0].id: is missing; give it a name of 1 to 64 letters, digits, '.', '-' and '_'"),
            (
                "{id: a b}",
                #"idcs[0].id: "a b" is not a name; write a name of 1 to 64 letters, digits, '.', '-' and '_'"#
            ),
            (
                "{id: }",
                "idcs[0].id: has no value; give it a name of 1 to 64 letters, digits, '.', '-' and '_', "
                    + "or leave it out"
            ),
            (
                "{id: [x]}",
                "idcs[0].id: takes one value, not a list; write a name of 1 to 64 letters, digits, '.', "
                    + "'-' and '_'"
            ),
            (
                "{id: {x: y}}",
                "idcs[0].id: takes a value, not keys of its own; write a name of 1 to 64 letters, "
                    + "digits, '.', '-' and '_'"
            ),
            ("{id: x, latitude: 1}", "idcs[0].latitude: stands without a longitude; give both, or neither"),
            ("{id: x, longitude: 1}", "idcs[0].longitude: stands without a latitude; give both, or neither"),
            (
                "{id: x, latitude: 50N, longitude: 1}",
                #"idcs[0].latitude: "50N" is not a number of degrees; write degrees, such as 50.11 or -33.87"#
            ),
            (
                "{id: x, latitude: nan, longitude: 1}",
                #"idcs[0].latitude: "nan" is not a number of degrees; write degrees, such as 50.11 or -33.87"#
            ),
            (
                "{id: x, latitude: 1, longitude: -181}",
                #"idcs[0].longitude: "-181" is out of range; it must be -180 to 180 degrees"#
            ),
            (
                "{id: x, time_zone: 'CET?'}",
                #"idcs[0].time_zone: "CET?" is not a time zone; "#
                    + "write a name of the time zone database, such as Europe/Berlin"
            ),
            ("{id: x, timezone: UTC}", "idcs[0].timezone: unknown key; did you mean time_zone?"),
            (
                "{id: x, tier: 1}",
                "idcs[0].tier: unknown key; the keys here are id, region, latitude, longitude, time_zone, "
                    + "transport"
            ),
            ("{id: x}, {id: x}", #"idcs[1].id: IDC "x" is given twice, first on line 1; rename or delete one of them"#),
        ])
    func idcs(item: String, problem: String) {
        let found = Self.problems("idcs: [\(item)]\nnodes: [{id: n, idc: x, capacity: {out: 1Gbit}}]\n")
        #expect(found.contains("t.yaml:1: " + problem), "\(found)")
    }

    @Test(
        "when something is wrong with a node",
        arguments: [
            (
                "idc: a, capacity: {out: 1Gbit}",
                "nodes[0].id: is missing; give it a name of 1 to 64 letters, digits, '.', '-' and '_'"
            ),
            (
                "id: n, capacity: {out: 1Gbit}",
                "nodes[0].idc: is missing; give it a name of 1 to 64 letters, digits, '.', '-' and '_'"
            ),
            ("id: n, idc: fr, capacity: {out: 1Gbit}", #"nodes[0].idc: there is no IDC "fr"; did you mean fra?"#),
            (
                "id: n, idc: a, roles: egde, capacity: {out: 1Gbit}",
                #"nodes[0].roles: "egde" is no role; did you mean edge?"#
            ),
            (
                "id: n, idc: a, roles: [edge, origin], capacity: {out: 1Gbit}",
                #"nodes[0].roles[1]: "origin" is no role; write one of ingest, relay, edge, reserve"#
            ),
            (
                "id: n, idc: a, roles: [edge, edge], capacity: {out: 1Gbit}",
                "nodes[0].roles: lists a role twice; delete one of them"
            ),
            (
                "id: n, idc: a, roles: [], capacity: {out: 1Gbit}",
                "nodes[0].roles: lists nothing; list one or more of ingest, relay, edge, reserve"
            ),
            (
                "id: n, idc: a, roles: [[edge]], capacity: {out: 1Gbit}",
                "nodes[0].roles[0]: is not a value; write one or more of ingest, relay, edge, reserve"
            ),
            (
                "id: n, idc: a, relay: fra-1, capacity: {out: 1Gbit}",
                #"nodes[0].relay: "fra-1" is not an address; write HOST:PORT, or [IPV6]:PORT"#
            ),
            (
                "id: n, idc: a, relay: 'h:1', http: 'h:1', capacity: {out: 1Gbit}",
                "nodes[0].http: h:1 is also nodes[0].relay, on line 2; give each port its own"
            ),
            ("id: n, idc: a", "nodes[0].capacity: is missing; give it what the node can bear, such as {out: 8Gbit}"),
            (
                "id: n, idc: a, capacity: 8Gbit",
                "nodes[0].capacity: is a map of marks, not a value; write one such as {out: 8Gbit, sessions: 20000}"
            ),
            (
                "id: n, idc: a, capacity: {in: 1Gbit}",
                "nodes[0].capacity.out: is missing; give it a rate such as 500Mbit or 10Gbit"
            ),
            (
                "id: n, idc: a, capacity: {out: 8}",
                #"nodes[0].capacity.out: "8" has no unit; write one such as 500Mbit or 10Gbit"#
            ),
            (
                "id: n, idc: a, capacity: {out: 8GB}",
                #"nodes[0].capacity.out: "8GB" is not a rate; write a number and a unit: kbit, Mbit, Gbit, Tbit"#
            ),
            (
                "id: n, idc: a, capacity: {out: fast}",
                #"nodes[0].capacity.out: "fast" is not a rate; write one such as 500Mbit or 10Gbit"#
            ),
            (
                "id: n, idc: a, capacity: {out: -1Gbit}",
                #"nodes[0].capacity.out: "-1Gbit" is not a rate; write one such as 500Mbit or 10Gbit"#
            ),
            (
                "id: n, idc: a, capacity: {out: 0Gbit}",
                #"nodes[0].capacity.out: "0Gbit" is too small; write a rate above 0"#
            ),
            (
                "id: n, idc: a, capacity: {out: 1.5.5Gbit}",
                #"nodes[0].capacity.out: "1.5.5Gbit" is not a rate; write one such as 500Mbit or 10Gbit"#
            ),
            (
                "id: n, idc: a, capacity: {out: 1Gbit, sessions: 20k}",
                #"nodes[0].capacity.sessions: "20k" is not a whole number; write a whole number above 0"#
            ),
            (
                "id: n, idc: a, capacity: {out: 1Gbit, sessions: 0}",
                #"nodes[0].capacity.sessions: "0" is too small; write a whole number above 0"#
            ),
            (
                "id: n, idc: a, capacity: {out: 1Gbit, sessions: 2000000000}",
                #"nodes[0].capacity.sessions: "2000000000" is out of range; "#
                    + "it must be above 0, at most 1000000000.0 (sessions)"
            ),
            (
                "id: n, idc: a, capacity: {out: 1Gbit, cpu: 150%}",
                #"nodes[0].capacity.cpu: "150%" is out of range; it must be above 0, at most 1.0 (a share)"#
            ),
            (
                "id: n, idc: a, capacity: {out: 1Gbit, cpu: 2cores}",
                #"nodes[0].capacity.cpu: "2cores" is not a share; write a number and a unit: %"#
            ),
            (
                "id: n, idc: a, capacity: {out: {soft: 2Gbit, hard: 1Gbit}}",
                "nodes[0].capacity.out: the soft mark is above the hard one; lower the soft mark"
            ),
            (
                "id: n, idc: a, capacity: {out: {soft: 2Gbit}}",
                "nodes[0].capacity.out.hard: is missing; give it a rate such as 500Mbit or 10Gbit"
            ),
            (
                "id: n, idc: a, capacity: {out: {max: 2Gbit, hard: 1Gbit}}",
                "nodes[0].capacity.out.max: unknown key; the keys here are soft, hard"
            ),
            (
                "id: n, idc: a, capacity: {out: {hard: 2000Tbit}}",
                "nodes[0].capacity.out: 2000000000.0 is out of range; it must be above 0, at most 1000000000.0 (Mbit/s)"
            ),
            (
                "id: n, idc: a, capacity: {out: [1Gbit]}",
                "nodes[0].capacity.out: takes one value, not a list; write a rate such as 500Mbit or 10Gbit"
            ),
        ])
    func nodes(item: String, problem: String) {
        #expect(Self.problems("idcs: [{id: a}, {id: fra}]\nnodes: [{\(item)}]\n") == ["t.yaml:2: " + problem])
    }

    @Test(
        "when something is wrong with a link",
        arguments: [
            (
                "{to: a, capacity: 1Gbit, rtt: 1ms}",
                "links[0].from: is missing; give it a name of 1 to 64 letters, digits, '.', '-' and '_'"
            ),
            (
                "{from: b, to: a, rtt: 1ms}",
                "links[0].capacity: is missing; give it a rate such as 500Mbit or 10Gbit"
            ),
            (
                "{from: b, to: a, capacity: 1Gbit}",
                "links[0].rtt: is missing; give it a round trip such as 88ms or 1.5s"
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: great_circle}",
                #"links[0].rtt: "great_circle" is not a round trip; write one such as 88ms or 1.5s"#
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 88us}",
                #"links[0].rtt: "88us" is not a round trip; write a number and a unit: ms, s"#
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 11s}",
                #"links[0].rtt: "11s" is out of range; it must be 0 to 10000 ms"#
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 1ms, loss: 0.01}",
                #"links[0].loss: "0.01" has no unit; write one such as 0.01%"#
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 1ms, loss: 101%}",
                #"links[0].loss: "101%" is out of range; it must be a share, 0 to 1"#
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 1ms, price_per_gb: $1}",
                #"links[0].price_per_gb: "$1" is not a price; write a plain number, such as 0.02"#
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 1ms, price_per_mbit: 2000000}",
                #"links[0].price_per_mbit: "2000000" is out of range; it must be 0 to 1000000"#
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 1ms, price: 1}",
                "links[0].price: unknown key; the keys here are from, to, both, capacity, rtt, loss, price_per_gb, "
                    + "price_per_mbit, transport"
            ),
            (
                "{from: b, to: a, capacity: 1Gbit, rtt: 1ms, both: yes}",
                #"links[0].both: "yes" is neither true nor false; write one of them"#
            ),
            (
                "{from: a, to: a, capacity: 1Gbit, rtt: 1ms}",
                "links[0]: leads from a to itself; delete it: nodes of an IDC need no link"
            ),
            (
                "{from: a, to: c, capacity: 1Gbit, rtt: 1ms}",
                #"links[0].to: there is no IDC "c"; did you mean a?"#
            ),
            (
                "{from: a, to: b, both: true, capacity: 1Gbit, rtt: 1ms}, {from: b, to: a, capacity: 1Gbit, rtt: 1ms}",
                "links[1]: the way from b to a is given twice, first on line 3; "
                    + #"delete one of them, or the "both""#
            ),
            (
                "{from: a, to: b, both: true, capacity: {soft: 2Gbit, hard: 1Gbit}, rtt: 1ms}",
                "links[0].capacity: the soft mark is above the hard one; lower the soft mark"
            ),
        ])
    func links(items: String, problem: String) {
        #expect(Self.problems(Self.small + "links: [\(items)]\n") == ["t.yaml:3: " + problem])
    }

    @Test(
        "when something is wrong with a class of links",
        arguments: [
            (
                "capacity: 1Gbit",
                "classes[0].name: is missing; give it a name of 1 to 64 letters, digits, '.', '-' "
                    + "and '_'"
            ),
            ("name: x", "classes[0].capacity: is missing; give it a rate such as 500Mbit or 10Gbit"),
            (
                "name: x, capacity: 1Gbit, from: eu",
                #"classes[0].from: "eu" is no scope; write anywhere, region NAME or idc ID"#
            ),
            (
                "name: x, capacity: 1Gbit, from: region asia",
                #"classes[0].from: no IDC has the region "asia"; give an IDC that region, or correct the name"#
            ),
            (
                "name: x, capacity: 1Gbit, to: region en",
                #"classes[0].to: no IDC has the region "en"; did you mean region eu?"#
            ),
            (
                "name: x, capacity: 1Gbit, to: idc zzz",
                #"classes[0].to: there is no IDC "zzz"; list it under idcs, or correct the name"#
            ),
            (
                "name: x, capacity: 1Gbit, rtt: great-circle",
                #"classes[0].rtt: "great-circle" is not a round trip; did you mean great_circle?"#
            ),
            (
                "name: x, capacity: 1Gbit, rtt: far",
                #"classes[0].rtt: "far" is not a round trip; write one such as 88ms, or great_circle"#
            ),
            (
                "name: x, capacity: 1Gbit, rtt: great_circle 3ms",
                #"classes[0].rtt: "great_circle 3ms" has no factor behind great_circle; "#
                    + "write one such as great_circle 1.6 3ms"
            ),
            (
                "name: x, capacity: 1Gbit, rtt: great_circle 1.6 3",
                #"classes[0].rtt: "3" has no unit; write one such as 88ms or 1.5s"#
            ),
            (
                "name: x, capacity: 1Gbit, rtt: great_circle 1 2ms 3",
                #"classes[0].rtt: "great_circle 1 2ms 3" has too many words; write great_circle FACTOR BASE"#
            ),
            (
                "name: x, capacity: 1Gbit, rtt: great_circle 0.5",
                #"classes[0].rtt: "great_circle 0.5" is out of range; it must be 1 to 100"#
            ),
            (
                "name: x, capacity: 1Gbit}, {name: x, capacity: 1Gbit",
                #"classes[1].name: class "x" is given twice, first on line 3; rename or delete one of them"#
            ),
        ])
    func classes(item: String, problem: String) {
        #expect(Self.problems(Self.small + "classes: [{\(item)}]\n") == ["t.yaml:3: " + problem])
    }

    @Test("when a round trip is to be derived for an IDC that has no coordinates, with that IDC's line")
    func noCoordinates() {
        let yaml =
            "idcs:\n  - {id: a, latitude: 1, longitude: 1}\n  - {id: b}\n"
            + "nodes: [{id: n, idc: a, capacity: {out: 1Gbit}}]\nclasses: [{name: far, capacity: 1Gbit}]\n"
        #expect(
            Self.problems(yaml) == [
                "t.yaml:3: idcs[1]: has no coordinates, and class far derives round trips from them; "
                    + "add its latitude and longitude, or list its links"
            ])
    }
}
