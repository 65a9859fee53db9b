/// Quotas over the whole network: never passed by more than one for each node, whatever is on its way, and no room that
/// nobody can use.
import Testing

@testable import Dispatch

@Suite("Quotas")
struct QuotaTests {
    private let live = QuotaScope(app: "live")

    /// What each node would be told now.
    private func limits(_ allotment: inout Allotment, serial: UInt32) -> [Int: Int] {
        let told = allotment.shareOut { _ in serial }
        return Dictionary(uniqueKeysWithValues: told.map { ($0, allotment.shares[$0]?.limit ?? -1) })
    }

    @Test("half of what is left goes to all nodes alike, half to each by what it uses")
    func parts() {
        var allotment = Allotment(Mark(100), .viewers)
        for (node, used) in [(0, 30), (1, 10), (2, 0)] { allotment.take(used, from: node, heard: 0) }
        // Of the 60 that are left each has 10, and the other 30 go 3 to 1.
        #expect(limits(&allotment, serial: 1) == [0: 30 + 32, 1: 10 + 17, 2: 10])
        #expect(limits(&allotment, serial: 2) == [:], "said once")
    }

    @Test("what one node has too much goes to another only when the first has confirmed that it has less")
    func confirmed() {
        var allotment = Allotment(Mark(10), .viewers)
        for node in 0...1 { allotment.take(0, from: node, heard: 0) }
        #expect(limits(&allotment, serial: 1) == [0: 5, 1: 5])
        allotment.take(5, from: 0, heard: 1)
        allotment.take(0, from: 1, heard: 1)
        // Five are left, and node 1 may still go up to five: node 0 gets the two by which the hard mark may be passed.
        #expect(limits(&allotment, serial: 2) == [0: 7, 1: 1])
        allotment.take(7, from: 0, heard: 2)
        #expect(limits(&allotment, serial: 3) == [:], "node 1 has not answered")
        allotment.take(0, from: 1, heard: 2)
        #expect(limits(&allotment, serial: 4) == [0: 9])
    }

    @Test("when nothing is left every node hears of it, and when one viewer leaves every node may take one")
    func spent() {
        var allotment = Allotment(Mark(3), .viewers)
        for (node, used) in [(0, 2), (1, 0), (2, 1)] { allotment.take(used, from: node, heard: 0) }
        #expect(limits(&allotment, serial: 1) == [0: 2, 1: 0, 2: 1])
        for (node, used) in [(0, 1), (1, 0), (2, 1)] { allotment.take(used, from: node, heard: 1) }
        #expect(limits(&allotment, serial: 2) == [1: 1, 2: 2])
        // Two come at once: one more than there may be.
        for (node, used) in [(0, 1), (1, 1), (2, 2)] { allotment.take(used, from: node, heard: 2) }
        #expect(allotment.used == 4)
        #expect(limits(&allotment, serial: 3) == [0: 1, 1: 1, 2: 2])
    }

    @Test("a lower quota touches nobody who is inside, and lets nobody in until enough have left")
    func lowered() {
        var allotment = Allotment(Mark(100), .viewers)
        for node in 0...1 { allotment.take(40, from: node, heard: 0) }
        _ = limits(&allotment, serial: 1)
        for node in 0...1 { allotment.heard(1, by: node) }
        allotment.remark(Mark(50), .viewers)
        #expect(limits(&allotment, serial: 2) == [0: 40, 1: 40])
        for node in 0...1 { allotment.take(30, from: node, heard: 2) }
        #expect(limits(&allotment, serial: 3) == [0: 30, 1: 30], "who leaves is not replaced")
    }

    /// Nodes, and messages on their way in both directions.
    private struct Network {
        struct Node {
            var viewers = 0
            var limit: Int?
            var heard: UInt32 = 0
            var serial: UInt32 = 0
            var inbox: [(serial: UInt32, limit: Int)] = []
            var outbox: [(serial: UInt32, used: Int)] = []
        }

        var allotment: Allotment
        var nodes: [Node]

        init(hard: Int, nodes count: Int) {
            allotment = Allotment(Mark(Double(hard)), .viewers)
            nodes = Array(repeating: Node(), count: count)
            for node in nodes.indices { tell(node) }
        }

        var viewers: Int { nodes.reduce(0) { $0 + $1.viewers } }

        mutating func tell(_ node: Int) { nodes[node].outbox.append((nodes[node].heard, nodes[node].viewers)) }

        /// A node that has been told nothing yet waits here, so that all of its viewers are the quota's.
        mutating func arrive(_ node: Int) -> Bool {
            guard let limit = nodes[node].limit, nodes[node].viewers < limit else { return false }
            nodes[node].viewers += 1
            return true
        }

        mutating func share() {
            let serials = nodes.map { $0.serial + 1 }
            for node in allotment.shareOut({ serials[$0] }) {
                nodes[node].serial += 1
                nodes[node].inbox.append((nodes[node].serial, allotment.shares[node]!.limit!))
            }
        }

        mutating func deliver(to node: Int) {
            guard !nodes[node].inbox.isEmpty else { return }
            let word = nodes[node].inbox.removeFirst()
            (nodes[node].limit, nodes[node].heard) = (word.limit, word.serial)
            tell(node)
        }

        mutating func deliver(from node: Int) {
            guard !nodes[node].outbox.isEmpty else { return }
            let word = nodes[node].outbox.removeFirst()
            allotment.take(word.used, from: node, heard: word.serial)
        }

        /// What was on its way is lost, in both directions; the node tells anew.
        mutating func reconnect(_ node: Int) {
            (nodes[node].inbox, nodes[node].outbox, nodes[node].heard) = ([], [], 0)
            allotment.reconnected(node)
            tell(node)
        }

        mutating func die(_ node: Int) {
            nodes[node] = Node(serial: nodes[node].serial)
            allotment.remove(node)
            tell(node)
        }

        mutating func settle() {
            for _ in 0..<20 {
                for node in nodes.indices {
                    tell(node)
                    while !nodes[node].outbox.isEmpty { deliver(from: node) }
                }
                share()
                for node in nodes.indices { while !nodes[node].inbox.isEmpty { deliver(to: node) } }
            }
        }
    }

    @Test(
        "whatever comes, goes, is late or is lost, the hard mark is passed by one viewer a node at most",
        arguments: 1...40 as ClosedRange<UInt64>)
    func bounded(seed: UInt64) {
        var chance = Chance(seed: seed)
        let count = Int.random(in: 1...8, using: &chance)
        let hard = Int.random(in: 1...60, using: &chance)
        var network = Network(hard: hard, nodes: count)
        for step in 0..<4_000 {
            let node = Int.random(in: 0..<count, using: &chance)
            switch Int.random(in: 0..<100, using: &chance) {
            case 0..<35: _ = network.arrive(node)
            case 35..<45: network.nodes[node].viewers = max(0, network.nodes[node].viewers - 1)
            case 45..<60: network.tell(node)
            case 60..<75: network.deliver(from: node)
            case 75..<85: network.share()
            case 85..<98: network.deliver(to: node)
            case 98: network.reconnect(node)
            default: network.die(node)
            }
            guard network.viewers <= hard + count else {
                Issue.record("seed \(seed), step \(step): \(network.viewers) of \(hard) at \(count) nodes")
                return
            }
        }
        network.settle()
        let open = network.nodes.filter { $0.viewers < $0.limit ?? 0 }.count
        let left = hard - network.viewers
        #expect(open == (left > 0 ? count : 0), "seed \(seed): room for \(left), \(open) of \(count) nodes are open")
    }

    @Test("a crowd at one node is let in up to the hard mark, in a few rounds", arguments: [2, 10, 100])
    func crowd(_ nodes: Int) {
        var network = Network(hard: 1_000, nodes: nodes)
        network.settle()
        var rounds = 0
        while network.viewers < 1_000, rounds < 40 {
            while network.arrive(0) {}
            network.settle()
            rounds += 1
        }
        #expect(network.viewers == 1_000 && rounds <= 20, "\(network.viewers) after \(rounds) rounds")
    }

    @Test("a viewer who asks where to go hears which quota is used up, and how much of it")
    func reason() throws {
        var dispatcher = try Lab.triangle()
        let known = dispatcher.stream("live/s", app: "live")
        let stream = try #require(known)
        _ = dispatcher.publish(stream, at: dispatcher.node("a1"), epoch: 1, megabits: 2)
        let final = QuotaScope(app: "live", stream: "s")
        dispatcher.setQuotas([live: Quota(viewers: Mark(soft: 3, hard: 4)), final: Quota(out: Mark(soft: 5, hard: 8))])
        func refusal() -> String? {
            guard case .refuse(let refusal, let seconds) = dispatcher.admitViewer(of: stream, from: .unknown) else {
                return nil
            }
            #expect(seconds == Admission.retrySeconds)
            return refusal.describe(in: dispatcher.topology)
        }
        let (a, b) = (dispatcher.node("a3"), dispatcher.node("b3"))
        dispatcher.takeUse([.viewers: 2], of: live, at: a, heard: 0)
        dispatcher.takeUse([.viewers: 1], of: live, at: b, heard: 0)
        #expect(refusal() == nil)
        dispatcher.takeUse([.viewers: 2], of: live, at: b, heard: 0)
        #expect(refusal() == "the quota of application live is used up: 4 of 4 viewers")
        dispatcher.setQuotas([final: Quota(out: Mark(soft: 5, hard: 8))])
        dispatcher.takeUse([.out: 6_000], of: final, at: a, heard: 0)
        #expect(refusal() == nil)
        dispatcher.takeUse([.out: 6_500], of: final, at: a, heard: 0)
        #expect(refusal() == "the quota of stream live/s is used up: 6.5 of 8.0 Mbit/s")
        _ = dispatcher.nodeDied(a)
        #expect(refusal() == nil, "what a dead node used is free")
    }

    @Test("publishers of an application have a quota, those of others do not")
    func publishers() throws {
        var dispatcher = try Lab.triangle()
        dispatcher.setQuotas([live: Quota(publishers: Mark(1))])
        dispatcher.takeUse([.publishers: 1], of: live, at: dispatcher.node("a1"), heard: 0)
        let refused = dispatcher.admitPublisher(from: .unknown, megabits: 4, app: "live")
        #expect(
            refused
                == .refuse(
                    .quota(QuotaUse(scope: live, resource: .publishers, used: 1, hard: 1)),
                    retryAfter: Admission.retrySeconds))
        #expect(dispatcher.admitPublisher(from: .unknown, megabits: 4, app: "other").node != nil)
        #expect(dispatcher.admitPublisher(from: .unknown, megabits: 4).node != nil)
    }
}
