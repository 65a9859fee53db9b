/// Over priced cloud regions: what trees cost against a star from the ingest node and against a lower bound.
import Dispatch

struct CostComparison {
    let prices: String
    let latency: String
    let isMarkdown: Bool

    static let streams = 1_000
    static let megabits = 4.0
    /// What one stream carries in an hour.
    static let gigabytesPerHour = megabits * 3_600 / 8 / 1_000

    /// Priced regions that nobody measured, and the nearest measured one of the same cloud, whose round trips stand in.
    static let standIns = [
        "aws:eu-west-3": "aws:eu-west-2", "azure:eastus2": "azure:eastus", "azure:westus2": "azure:westus",
    ]
    /// Milliseconds between a region and its stand-in.
    static let standInRTT = 10.0

    /// One stream: the region where it enters, and those that want it in the order in which they ask.
    private struct Wish {
        let source: Int
        let wanted: [Int]
    }

    private struct Outcome {
        var dollars = 0.0
        var rtt = Tally()
        var detour = Tally()
    }

    func run() throws {
        let topology = try load()
        let wishes = wishes(topology.idcs.count)
        let star = star(topology, wishes)
        let bound = bound(topology, wishes)
        var table = Table(head: ["trees", "USD an hour", "of the star", "over the bound", "mean RTT ms", "99 % RTT ms"])
        add("star from the ingest node", star, star, bound, to: &table)
        for (name, delay, dollar) in [
            ("dispatch, delay before price (100 ms per USD/GB)", 1.0, 100.0),
            ("dispatch, as delivered (1,000 ms per USD/GB)", 1.0, 1_000.0),
            ("dispatch, price before delay (10,000 ms per USD/GB)", 1.0, 10_000.0),
            ("dispatch, price alone", 0.0, 1_000.0),
        ] {
            var settings = DispatchSettings()
            settings.weights.delay = delay
            settings.weights.millisecondsPerDollar = dollar
            for improves in [false, true] {
                let outcome = try grow(topology, wishes, settings, improves: improves)
                add(name + (improves ? ", after gains" : ""), outcome, star, bound, to: &table)
            }
        }
        table.rows.append([
            "lower bound on price", fixed(bound, 2), fixed(bound / star.dollars * 100, 1) + " %", "0.0 %", "", "",
        ])
        print(
            "\(CostComparison.streams) streams of \(fixed(CostComparison.megabits, 0)) Mbit/s over",
            "\(topology.idcs.count) regions, \(wishes.reduce(0) { $0 + $1.wanted.count }) places in trees")
        print(table.text(isMarkdown: isMarkdown))
    }

    private func add(_ name: String, _ outcome: Outcome, _ star: Outcome, _ bound: Double, to table: inout Table) {
        var rtt = outcome.rtt
        table.rows.append([
            name, fixed(outcome.dollars, 2), fixed(outcome.dollars / star.dollars * 100, 1) + " %",
            fixed((outcome.dollars / bound - 1) * 100, 1) + " %", fixed(rtt.mean, 1), fixed(rtt.quantile(0.99), 1),
        ])
    }

    private func wishes(_ count: Int) -> [Wish] {
        var chance = Chance(seed: 1)
        let audience = zipfAudience(
            streams: CostComparison.streams, places: count - 1, largest: Double(count * 10))
        return audience.map { size in
            let regions = (0..<count).shuffled(using: &chance)
            return Wish(source: regions[0], wanted: Array(regions.dropFirst().prefix(size)))
        }
    }

    private func star(_ topology: Topology, _ wishes: [Wish]) -> Outcome {
        var outcome = Outcome()
        for wish in wishes {
            for region in wish.wanted {
                guard let link = topology.link(from: IDCIndex(wish.source), to: IDCIndex(region)) else { continue }
                outcome.dollars += link.price.perGigabyte * CostComparison.gigabytesPerHour
                outcome.rtt.add(link.rtt)
            }
        }
        return outcome
    }

    private func grow(
        _ topology: Topology, _ wishes: [Wish], _ settings: DispatchSettings, improves: Bool
    ) throws -> Outcome {
        var dispatcher = Dispatcher(topology: topology, settings: settings)
        var outcome = Outcome()
        for (number, wish) in wishes.enumerated() {
            guard let stream = dispatcher.stream("live/\(number)") else { continue }
            _ = dispatcher.publish(
                stream, at: NodeIndex(wish.source), epoch: 1, megabits: CostComparison.megabits)
            for region in wish.wanted {
                guard dispatcher.join(stream, at: NodeIndex(region)).route != nil else {
                    throw BenchError("stream \(number) was refused at \(topology.idcs[region].id)")
                }
            }
            if improves { for _ in 0..<3 { _ = dispatcher.improve(stream) } }
            measure(dispatcher, stream, wish, into: &outcome)
        }
        if let violation = dispatcher.audit().first { throw BenchError("\(violation)") }
        return outcome
    }

    private func measure(_ dispatcher: Dispatcher, _ stream: StreamIndex, _ wish: Wish, into outcome: inout Outcome) {
        func link(_ from: NodeIndex, _ to: NodeIndex) -> Topology.LinkQuality? {
            dispatcher.topology.link(from: IDCIndex(from.position), to: IDCIndex(to.position))
        }
        for place in dispatcher.tree(of: stream) {
            guard let parent = place.parent, let link = link(parent, place.node) else { continue }
            outcome.dollars += link.price.perGigabyte * CostComparison.gigabytesPerHour
        }
        for region in wish.wanted {
            guard let parents = dispatcher.route(of: stream, at: NodeIndex(region))?.parents, let first = parents.first
            else { continue }
            let stops = first.path + [NodeIndex(region)]
            outcome.rtt.add(zip(stops, stops.dropFirst()).reduce(0) { $0 + (link($1.0, $1.1)?.rtt ?? 0) })
        }
    }

    private func bound(_ topology: Topology, _ wishes: [Wish]) -> Double {
        let count = topology.idcs.count
        let price = (0..<count * count).map { number in
            topology.link(from: IDCIndex(number / count), to: IDCIndex(number % count))?.price.perGigabyte ?? .infinity
        }
        return wishes.reduce(0) { sum, wish in
            var ascent = DualAscent(prices: price, count: count, source: wish.source)
            return sum + ascent.bound(for: wish.wanted) * CostComparison.gigabytesPerHour
        }
    }

    static func node(_ idc: String) -> Topology.Node {
        Topology.Node(
            id: "\(idc)-1", idc: idc, roles: [.ingest, .relay, .edge],
            capacity: NodeCapacity(out: Mark(1e6), in: Mark(1e6), sessions: Mark(1e6)))
    }

    private func load() throws -> Topology {
        var rtts: [String: (sum: Double, count: Double)] = [:]
        for row in try readTable(latency).dropFirst() where row.count >= 8 {
            guard row[1] == "PREMIUM", row[4] == "PREMIUM", let rtt = Double(row[7]) else { continue }
            let known = rtts["\(row[0]) \(row[3])"] ?? (0, 0)
            rtts["\(row[0]) \(row[3])"] = (known.sum + rtt, known.count + 1)
        }
        var names: [String] = []
        var links: [Topology.Link] = []
        for row in try readTable(prices).dropFirst() where row.count >= 5 {
            let (from, to) = (String(row[0]), String(row[1]))
            if names.last != from, !names.contains(from) { names.append(from) }
            let (nearFrom, nearTo) = (CostComparison.standIns[from] ?? from, CostComparison.standIns[to] ?? to)
            let measured =
                nearFrom == nearTo ? (sum: CostComparison.standInRTT, count: 1) : rtts["\(nearFrom) \(nearTo)"]
            guard from != to, let price = Double(row[4].filter { $0 != "\r" }), let rtt = measured else { continue }
            links.append(
                Topology.Link(
                    from: from, to: to,
                    quality: Topology.LinkQuality(
                        capacity: Mark(1e6), rtt: rtt.sum / rtt.count, price: Price(perGigabyte: price))))
        }
        return try Topology(
            idcs: names.map { Topology.IDC(id: $0) }, nodes: names.map { CostComparison.node($0) }, links: links)
    }
}
