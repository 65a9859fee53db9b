import Testing

@testable import Dispatch

/// Encoders that come, die, move and return, on nodes whose clocks are wrong, told late and cut off now and then.
@Suite("Publishers by chance")
struct PublisherPropertyTests {
    /// What runs at the nodes, and what viewers have been shown.
    private struct World {
        struct Session {
            let number: Int
            var epoch: UInt64
            let priority: Int
            /// When the dispatcher first heard of it.
            var heard = -1
            /// What it was told and has not obeyed yet, in order.
            var raises: [UInt64] = []
            var isFenced = false
        }

        var dispatcher: Dispatcher
        var chance: Chance
        let stream: StreamIndex
        let skews: [Int]
        var sessions: [Int: Session] = [:]
        var cutOff: Set<Int> = []
        var clock = 1_000_000
        var begun = 0
        /// The session that viewers saw last, and in which epoch: a raise that was not obeyed showed them nothing.
        var followed: (number: Int, epoch: UInt64)?
        var problems: [String] = []

        init(seed: Int) throws {
            dispatcher = try Lab.triangle()
            chance = Chance(seed: UInt64(seed))
            stream = dispatcher.stream("s") ?? StreamIndex(-1)
            var skews: [Int] = []
            for _ in dispatcher.topology.nodes { skews.append(.random(in: -5_000...5_000, using: &chance)) }
            self.skews = skews
        }

        var nodes: Range<Int> { dispatcher.topology.nodes.indices }

        mutating func obey(_ replan: Replan) {
            for raise in replan.raised { sessions[raise.node.position]?.raises.append(raise.to) }
            for fenced in replan.fenced { fence(fenced.node.position, by: fenced.byEpoch) }
        }

        mutating func fence(_ node: Int, by epoch: UInt64) {
            guard let session = sessions[node] else { return problems.append("nobody is there to be fenced") }
            // The rule by which a node obeys.
            if session.epoch < epoch { sessions[node]?.isFenced = true } else { problems.append("fenced by no newer") }
        }

        mutating func announce(_ node: Int, _ arrival: Dispatcher.Arrival) {
            guard let session = sessions[node], !cutOff.contains(node) else { return }
            let answer = dispatcher.publish(
                stream, at: NodeIndex(node), epoch: session.epoch, priority: session.priority, megabits: 4,
                arrival: arrival)
            switch answer {
            case .followed(let replan, _), .standby(let replan):
                if session.isFenced { problems.append("a fenced session is taken up again") }
                if session.heard < 0 { sessions[node]?.heard = clock }
                obey(replan)
            case .refused(.fenced(let newer)): fence(node, by: newer)
            case .refused(let refusal): problems.append(refusal.describe(in: dispatcher.topology))
            }
        }

        mutating func begin(_ node: Int) {
            let last = sessions[node]?.epoch ?? 0
            begun += 1
            let before = sessions[node]
            // At most four priorities, so that there is never one publisher too many.
            sessions[node] = Session(
                number: begun, epoch: max(last + 1, UInt64(clock + skews[node])),
                priority: .random(in: 0..<StreamTree.sourceLimit, using: &chance))
            if before == nil || !cutOff.contains(node) { announce(node, .begun) }
        }

        mutating func end(_ node: Int) {
            guard let session = sessions.removeValue(forKey: node), !cutOff.contains(node) else { return }
            obey(dispatcher.unpublish(stream, at: NodeIndex(node), epoch: session.epoch))
        }

        mutating func obeyOrders(_ node: Int) {
            guard let session = sessions[node] else { return }
            if session.isFenced { return end(node) }
            guard let to = session.raises.first else { return }
            sessions[node]?.raises.removeFirst()
            guard to > session.epoch else { return }
            sessions[node]?.epoch = to
            announce(node, .begun)
        }

        mutating func step() -> String {
            clock += Int.random(in: 1...400, using: &chance)
            let node = Int.random(in: nodes, using: &chance)
            switch Int.random(in: 0..<14, using: &chance) {
            case 12: return "\(node) joins: \(dispatcher.join(stream, at: NodeIndex(node)).route != nil)"
            case 13: return "\(node) leaves: \(dispatcher.leave(stream, at: NodeIndex(node)))"
            case 0..<3:
                begin(node)
                return "a session begins at \(node): \(sessions[node].map { "\($0)" } ?? "")"
            case 3:
                end(node)
                return "the session at \(node) ends"
            case 4:
                guard cutOff.insert(node).inserted else { return "" }
                obey(dispatcher.nodeDied(NodeIndex(node)))
                if Bool.random(using: &chance) { sessions[node] = nil }
                return "\(node) dies or is cut off"
            case 5..<7:
                guard cutOff.remove(node) != nil else { return "" }
                dispatcher.nodeReturned(NodeIndex(node))
                announce(node, .running)
                return "\(node) is back"
            case 7..<9:
                announce(node, .begun)
                return "\(node) announces what it did before"
            default:
                for node in nodes { obeyOrders(node) }
                return "all obey"
            }
        }

        /// Those the dispatcher is to choose from.
        var live: [(node: Int, session: Session)] {
            sessions.filter { !cutOff.contains($0.key) && !$0.value.isFenced }.map { ($0.key, $0.value) }
        }

        mutating func check() {
            let source = dispatcher.source(of: stream)
            let best = live.map(\.session.priority).max()
            guard (source == nil) == (best == nil) else { return problems.append("\(source as Any) of \(live)") }
            guard let source, let session = sessions[source.node.position] else { return }
            if session.isFenced || session.priority != best { problems.append("\(session) is followed of \(live)") }
            if source.epoch != max(session.raises.max() ?? 0, session.epoch) {
                problems.append("\(source.epoch) is not \(session)'s")
            }
            for (_, other) in live where other.number != session.number {
                if other.priority == session.priority { problems.append("\(other) lives beside \(session)") }
            }
            if let followed, followed != (session.number, source.epoch), source.epoch <= followed.epoch {
                problems.append("\(followed) is followed by \(session)")
            }
            if session.epoch == source.epoch { followed = (session.number, source.epoch) }
        }
    }

    @Test(
        "one is followed, the best that lives; the epochs that viewers see rise; what is said again changes nothing",
        arguments: 9_000..<9_040)
    func holds(seed: Int) throws {
        var world = try World(seed: seed)
        for step in 0..<200 {
            let what = world.step()
            world.check()
            let before = world.dispatcher.source(of: world.stream)?.node
            for node in world.nodes { world.announce(node, .begun) }
            world.check()
            if world.dispatcher.source(of: world.stream)?.node != before { world.problems.append("it flaps") }
            world.problems += world.dispatcher.audit().map { "\($0)" }
            guard world.problems.isEmpty else {
                Issue.record("seed \(seed), step \(step), \(what): \(world.problems)")
                return
            }
        }
    }

    @Test("when all have obeyed, those who stand by are newer than the one that is followed", arguments: 9_100..<9_120)
    func readiness(seed: Int) throws {
        var world = try World(seed: seed)
        for step in 0..<200 {
            let what = world.step()
            while world.sessions.values.contains(where: { !$0.raises.isEmpty || $0.isFenced }) {
                for node in world.nodes { world.obeyOrders(node) }
            }
            // A node that comes back says nothing new, and is put above the others when there is news.
            guard let source = world.dispatcher.source(of: world.stream), !what.hasSuffix("is back") else { continue }
            let tree = world.dispatcher.trees[world.stream.position]
            guard tree.seen.isSession(of: tree.source ?? .init(node: -1, session: 0, epoch: 0, priority: 0)) else {
                continue
            }
            for standby in tree.standbys {
                #expect(standby.epoch > source.epoch && standby.session == standby.epoch, "seed \(seed), step \(step)")
            }
        }
    }
}
