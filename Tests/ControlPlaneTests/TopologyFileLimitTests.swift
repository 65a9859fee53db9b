/// What is too much for a topology file, and that no bytes whatever harm its reader.
import Configuration
import Dispatch
import Fixtures
import Testing

@testable import ControlPlane

@Suite("Limits of a topology file", .timeLimit(.minutes(5)))
struct TopologyFileLimitTests {
    private func problems(_ yaml: String) -> [String] { TopologyFileRefusalTests.problems(yaml) }

    @Test("a file of more than 4 MiB is refused unread")
    func size() {
        let yaml = [UInt8](repeating: UInt8(ascii: "#"), count: TopologyFile.sizeLimit + 1)
        #expect(
            TopologyFileRefusalTests.problems(yaml) == [
                "t.yaml: longer than 4 MiB; give a topology file, such as conf/topology.yaml"
            ])
        #expect(
            TopologyFileRefusalTests.problems(yaml.dropLast()) == [
                "t.yaml: empty; list idcs and nodes in it, as conf/topology.yaml does"
            ])
    }

    @Test("more values than a topology has, and values too deep, are refused")
    func values() {
        let words = "t.yaml:1: too many values, or too deep; keep to the form of conf/topology.yaml"
        #expect(problems("a: [" + String(repeating: "1,", count: TopologyFile.valueLimit) + "]") == [words])
        #expect(problems(String(repeating: "[", count: 5_000)) == [words])
    }

    @Test("more items than a dispatcher handles are refused, by list")
    func items() {
        let yaml = """
            idcs: [\(String(repeating: "a,", count: Topology.idcLimit + 1))]
            nodes: [\(String(repeating: "a,", count: Topology.nodeLimit + 1))]
            classes: [\(String(repeating: "a,", count: TopologyFile.classLimit + 1))]
            """
        #expect(
            problems(yaml) == [
                "t.yaml:1: idcs: lists 513, more than the 512 that one dispatcher handles; split the network",
                "t.yaml:2: nodes: lists 16385, more than the 16384 that one dispatcher handles; split the network",
                "t.yaml:3: classes: lists 257, more than the 256 that one dispatcher handles; join some of them",
            ])
    }

    @Test("a file that is wrong throughout gets a hundred problems and a count")
    func manyProblems() {
        let found = problems("idcs: [{id: a}]\nnodes: [\(String(repeating: "{idc: b, capacity: {}},", count: 1_000))]")
        #expect(found.count == 101)
        #expect(found.last == "t.yaml: has 2900 problems more; correct these first")
    }

    @Test("the largest network that fits is read: 512 IDCs, 16384 nodes")
    func largest() throws {
        var yaml = "idcs:\n"
        for idc in 0..<Topology.idcLimit {
            yaml +=
                "  - {id: i\(idc), region: r\(idc % 7), latitude: \(idc % 180 - 90), longitude: \(idc % 360 - 180)}\n"
        }
        yaml += "nodes:\n"
        for node in 0..<Topology.nodeLimit {
            let idc = node % Topology.idcLimit
            yaml += "  - {id: n\(node), idc: i\(idc), roles: [ingest, relay, edge], relay: n\(node).example.net:1937, "
            yaml += "rtmp: n\(node).example.net:1935, http: n\(node).example.net:8080, "
            yaml += "capacity: {out: 8Gbit, in: 4Gbit, sessions: 20000, cpu: 0.9}}\n"
        }
        yaml += "classes:\n  - {name: all, capacity: 5Gbit}\n"
        let topology = try TopologyFileTests.parse(yaml)
        #expect(topology.idcs.count == 512 && topology.nodes.count == 16_384)
    }

    @Test("a file that cannot be read is refused with its name and the reason")
    func unreadable() {
        #expect {
            try TopologyFile.load("/nonexistent/topology.yaml")
        } throws: { error in
            "\(error)" == "/nonexistent/topology.yaml: cannot be read (No such file or directory); "
                + "give a topology file that this user may read"
        }
        #expect {
            try TopologyFile.load("/dev/zero")
        } throws: { error in
            "\(error)" == "/dev/zero: longer than 4 MiB; give a topology file, such as conf/topology.yaml"
        }
        #expect(throws: ConfigurationError.self) { try TopologyFile.load("/") }
    }

    @Test("any bytes are accepted, or refused on short lines, and never trap", arguments: [1, 2, 3, 4] as [UInt64])
    func anyBytes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let sound = try TopologyFile.contents(of: TopologyFileTests.conf + "topology.yaml")
            .split(separator: UInt8(ascii: "\n")).filter { $0.first { $0 != 32 } != UInt8(ascii: "#") }
        let seedBytes = Array(sound.joined(separator: [UInt8(ascii: "\n")]))
        #expect(TopologyFileRefusalTests.problems(seedBytes) == [])
        var accepted = 0
        for round in 0..<1_000 {
            var yaml = seedBytes
            for _ in 0...Int.random(in: 0...5, using: &random) { mutate(&yaml, &random) }
            do {
                _ = try TopologyFile.parse(yaml: yaml, file: "t.yaml")
                accepted += 1
            } catch {
                #expect(!error.problems.isEmpty, "seed \(seed), round \(round)")
                for problem in error.problems {
                    let text = problem.description
                    #expect(!text.contains("\n") && text.count < 400, "seed \(seed), round \(round): \(text)")
                }
            }
        }
        #expect(accepted > 0 && accepted < 1_000, "seed \(seed)")
    }

    /// Another byte, a run of bytes less, twice, or moved; words of the format where they do not belong.
    private func mutate(_ yaml: inout [UInt8], _ random: inout SeededGenerator) {
        let words = [
            "{", "}", "[", "]", ": ", "- ", "\n", "region eu", "both: true", "0", "-1", "1e999", "soft", "99%",
        ]
        guard yaml.count > 64 else { return }
        let start = Int.random(in: 0..<yaml.count - 64, using: &random)
        let run = start..<start + Int.random(in: 1...64, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: yaml[start] = UInt8.random(in: 0...255, using: &random)
        case 1: yaml.removeSubrange(run)
        case 2: yaml.insert(contentsOf: yaml[run], at: run.upperBound)
        case 3: yaml.insert(contentsOf: yaml[run], at: Int.random(in: 0..<yaml.count, using: &random))
        default: yaml.insert(contentsOf: words[Int.random(in: words.indices, using: &random)].utf8, at: start)
        }
    }
}
