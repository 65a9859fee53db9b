/// Over measured round trips between cities: the delay of the paths that dispatch chooses against the best there are.
import Dispatch

struct Quality {
    let servers: String
    let matrix: String
    let isMarkdown: Bool

    static let streams = 1_000

    func run() throws {
        let topology = try load()
        let count = topology.idcs.count
        let rtt = (0..<count * count).map { number in
            topology.link(from: IDCIndex(number / count), to: IDCIndex(number % count))?.rtt ?? .infinity
        }
        let best = bestWithTwoRelays(rtt, count)
        var dispatcher = Dispatcher(topology: topology)
        var table = Table(head: [
            "delay over the best path with two relays", "paths", "mean", "median", "99 %", "worst",
        ])
        var direct = Tally()
        var candidate = Tally()
        for from in 0..<count {
            for to in 0..<count where from != to && best[from * count + to].isFinite {
                let least = best[from * count + to]
                if rtt[from * count + to].isFinite { direct.add(rtt[from * count + to] / least) }
                let path = dispatcher.candidatePaths(from: IDCIndex(from), to: IDCIndex(to)).first
                guard let path else { throw BenchError("no path from \(from) to \(to)") }
                let stops = [from] + path.relays.map(\.position) + [to]
                candidate.add(length(stops, rtt, count) / least)
            }
        }
        table.rows.append(row("direct link", &direct))
        table.rows.append(row("first candidate path", &candidate))
        var chosen = trees(&dispatcher, rtt, best)
        table.rows.append(row("path in the tree, \(Quality.streams) streams", &chosen))
        print(table.text(isMarkdown: isMarkdown))
        detours(topology, rtt)
    }

    private func row(_ name: String, _ tally: inout Tally) -> [String] {
        [
            name, "\(tally.count)", fixed(tally.mean, 3), fixed(tally.quantile(0.5), 3), fixed(tally.quantile(0.99), 3),
            fixed(tally.quantile(1), 3),
        ]
    }

    private func length(_ stops: [Int], _ rtt: [Double], _ count: Int) -> Double {
        zip(stops, stops.dropFirst()).reduce(0) { $0 + rtt[$1.0 * count + $1.1] }
    }

    /// The delays of places in trees whose audiences follow Zipf's law.
    private func trees(_ dispatcher: inout Dispatcher, _ rtt: [Double], _ best: [Double]) -> Tally {
        let count = dispatcher.topology.idcs.count
        var chance = Chance(seed: 1)
        var tally = Tally()
        let audience = zipfAudience(streams: Quality.streams, places: count - 1, largest: Double(count * 10))
        for (number, size) in audience.enumerated() {
            guard let stream = dispatcher.stream("live/\(number)") else { continue }
            let cities = (0..<count).shuffled(using: &chance)
            _ = dispatcher.publish(stream, at: NodeIndex(cities[0]), epoch: 1, megabits: 4)
            for city in cities.dropFirst().prefix(size) { _ = dispatcher.join(stream, at: NodeIndex(city)) }
            for city in cities.dropFirst().prefix(size) {
                guard let parents = dispatcher.route(of: stream, at: NodeIndex(city))?.parents,
                    let first = parents.first
                else { continue }
                let stops = first.path.map(\.position) + [city]
                tally.add(length(stops, rtt, count) / best[cities[0] * count + city])
            }
        }
        return tally
    }

    private func bestWithTwoRelays(_ rtt: [Double], _ count: Int) -> [Double] {
        func join(_ one: [Double]) -> [Double] {
            var joined = one
            for from in 0..<count {
                for relay in 0..<count where relay != from {
                    let reach = rtt[from * count + relay]
                    guard reach.isFinite else { continue }
                    for to in 0..<count where to != from && to != relay {
                        joined[from * count + to] = min(joined[from * count + to], reach + one[relay * count + to])
                    }
                }
            }
            return joined
        }
        return join(join(rtt))
    }

    /// How much longer measured round trips are than straight fibre: what `LinkClass.Latency` assumes elsewhere.
    private func detours(_ topology: Topology, _ rtt: [Double]) {
        var tally = Tally()
        let count = topology.idcs.count
        for from in 0..<count {
            for to in 0..<count where from != to && rtt[from * count + to].isFinite {
                guard let here = topology.idcs[from].coordinates, let there = topology.idcs[to].coordinates,
                    here.kilometres(to: there) > 500
                else { continue }
                tally.add(rtt[from * count + to] / here.fibreRTT(to: there))
            }
        }
        print(
            "measured round trips over straight fibre beyond 500 km: median \(fixed(tally.quantile(0.5), 2)),",
            "10 % \(fixed(tally.quantile(0.1), 2)), 90 % \(fixed(tally.quantile(0.9), 2))")
    }

    private func load() throws -> Topology {
        let cities = try readTable(servers)
        var places: [Substring: Coordinates] = [:]
        for row in cities.dropFirst() where row.count >= 10 {
            guard let north = Double(row[row.count - 2]), let east = Double(row[row.count - 1]) else { continue }
            places[row[1]] = Coordinates(latitude: north, longitude: east)
        }
        let rows = try readTable(matrix)
        guard let names = rows.first, rows.count == names.count + 1 else {
            throw BenchError("\(matrix) needs a line of names and a line for each of them")
        }
        var links: [Topology.Link] = []
        for (from, row) in rows.dropFirst().enumerated() {
            for (to, text) in row.enumerated() where to != from {
                guard let rtt = Double(text), rtt >= 0 else { continue }
                links.append(
                    Topology.Link(
                        from: String(names[from]), to: String(names[to]),
                        quality: Topology.LinkQuality(capacity: Mark(100_000), rtt: rtt)))
            }
        }
        return try Topology(
            idcs: names.map { Topology.IDC(id: String($0), coordinates: places[$0]) },
            nodes: names.map { CostComparison.node(String($0)) }, links: links)
    }
}
