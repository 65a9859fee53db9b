/// What a dispatcher process says to its nodes: messages in, messages out, around the pure `Dispatcher`.
///
/// Sans-I/O: connections and time come in. Invariants: only nodes of the topology have a seat; a node that is away is
/// taken for dead only after `DispatchDesk.deadAfter`, because what runs goes on without a dispatcher; what a node
/// reports counts more than what was planned for it.
import Dispatch
import RelayProtocol

public struct DispatchDesk {
    public struct Outgoing: Equatable {
        public let node: NodeID
        public let message: RelayMessage
    }

    /// What is known of one node beside the plan.
    struct Seat {
        var register: Register? { didSet { doors = register.map(Doors.init) } }
        /// What `register` says of them.
        private(set) var doors: Doors?
        var isConnected = false
        var isDead = false
        var awaySince: UInt64?
        var load: Load?
        var streams: [String: Carried] = [:]
        /// Carriage that has changed since the dispatcher took it in.
        var isStale = false
        /// Streams that the node has asked for.
        var wants: Set<String> = []
        var quotas = QuotaSeat()
    }

    public internal(set) var dispatcher: Dispatcher
    var seats: [NodeID: Seat] = [:]
    /// Not told yet, and all that were.
    var substitutions: [Substitution] = []
    var toldSubstitutions: Set<Substitution> = []
    /// The marks that quotas were last seen beyond, and what is new of that.
    var quotaStates: [QuotaUse.Key: Dispatcher.QuotaReport.State] = [:]
    var quotaNews: [Dispatcher.QuotaReport] = []
    private let began: UInt64
    private(set) var isSettled = false
    private var nextRefresh: UInt64

    /// A node without a connection for so long is dead, in milliseconds.
    public static let deadAfter: UInt64 = 3_000
    /// What nodes had before a dispatcher started is known after so long, in milliseconds; then loose ends are tied.
    public static let settleAfter: UInt64 = 5_000
    /// Better ways are looked for only when a dispatcher has run for so long, in milliseconds: one that has just come
    /// back moves nothing that works.
    public static let improveAfter: UInt64 = 60_000
    /// Between two looks for better ways, in milliseconds.
    private static let refreshInterval: UInt64 = 10_000
    /// Streams whose way is reconsidered in one tick.
    private static let improvedPerTick = 64
    /// Mbit/s of a stream that has not been measured yet.
    private static let presumedMegabits = 4.0

    public init(_ topology: Topology, settings: DispatchSettings = DispatchSettings(), now: UInt64) {
        dispatcher = Dispatcher(topology: topology, settings: settings)
        began = now
        nextRefresh = now + DispatchDesk.refreshInterval
    }

    public var topology: Topology { dispatcher.topology }

    func index(_ node: NodeID) -> NodeIndex? { topology.node(named: node.name) }

    // MARK: Connections

    /// A node has connected. False if the topology does not know it.
    public mutating func connected(_ node: NodeID) -> Bool {
        guard let index = index(node) else { return false }
        var seat = seats[node] ?? Seat()
        seat.isConnected = true
        seat.awaySince = nil
        if seat.isDead {
            dispatcher.nodeReturned(index)
            seat.isDead = false
        }
        dispatcher.quotasLost(at: index)
        seat.quotas.connected()
        seats[node] = seat
        return true
    }

    public mutating func disconnected(_ node: NodeID, now: UInt64) {
        seats[node]?.isConnected = false
        seats[node]?.awaySince = now
    }

    public mutating func tick(now: UInt64) -> [Outgoing] {
        var out: [Outgoing] = []
        for (node, seat) in seats {
            if let away = seat.awaySince, !seat.isDead, now - away >= DispatchDesk.deadAfter { out += bury(node) }
            if seat.isStale { out += report(node) }
        }
        if !isSettled, now - began >= DispatchDesk.settleAfter {
            isSettled = true
            for node in topology.nodes.compactMap({ NodeID($0.id) }) where seats[node] == nil { out += bury(node) }
            out += carryOut(dispatcher.settle())
        }
        if now >= nextRefresh {
            nextRefresh = now + DispatchDesk.refreshInterval
            out += carryOut(dispatcher.refresh())
        }
        if now - began >= DispatchDesk.improveAfter {
            out += carryOut(dispatcher.improve(streams: DispatchDesk.improvedPerTick))
        }
        return out
    }

    private mutating func bury(_ node: NodeID) -> [Outgoing] {
        guard let index = index(node) else { return [] }
        seats[node, default: Seat()].isDead = true
        seats[node]?.streams = [:]
        return carryOut(dispatcher.nodeDied(index))
    }

    // MARK: Messages

    public mutating func take(_ message: RelayMessage, from node: NodeID) -> [Outgoing] {
        guard seats[node] != nil, let index = index(node) else { return [] }
        switch message {
        case .register(let register): return take(register, node, index)
        case .load(let load):
            seats[node]?.load = load
            return carryOut(dispatcher.take(NodeReport(load, of: index, topology))) + tellRoom(to: node, index, load)
        case .carry(let carry): return take(carry, node)
        case .want(let want): return answer(want, node, index).map { [$0] } ?? []
        case .unwant(let name):
            seats[node]?.wants.remove("\(name)")
            if let stream = dispatcher.stream(named: "\(name)") { _ = dispatcher.leave(stream, at: index) }
            return []
        case .used(let used):
            take(used, node, index)
            return []
        default: return []
        }
    }

    private mutating func take(_ register: Register, _ node: NodeID, _ index: NodeIndex) -> [Outgoing] {
        let wasDraining = seats[node]?.register?.isDraining ?? false
        seats[node]?.register = register
        guard register.isDraining != wasDraining else { return [] }
        if register.isDraining { return carryOut(dispatcher.drain(index)) }
        dispatcher.nodeReturned(index)
        return []
    }

    private mutating func take(_ carry: Carry, _ node: NodeID) -> [Outgoing] {
        var out: [Outgoing] = []
        if carry.isWhole { seats[node]?.streams = [:] }
        for carried in carry.streams {
            let name = "\(carried.name)"
            let before = seats[node]?.streams[name]
            seats[node]?.streams[name] = carried.role == .gone ? nil : carried
            out += publishing(carried, before, node, carry.isWhole ? .running : .begun)
        }
        seats[node]?.isStale = true
        return out
    }

    /// Who comes and goes as a publisher is acted on at once: viewers wait for it.
    private mutating func publishing(
        _ carried: Carried, _ before: Carried?, _ node: NodeID, _ arrival: Dispatcher.Arrival
    ) -> [Outgoing] {
        guard let index = index(node), let stream = dispatcher.stream("\(carried.name)", app: carried.name.app)
        else { return [] }
        var out: [Outgoing] = []
        guard case .publisher(let priority) = carried.role else {
            guard case .publisher = before?.role, let old = before else { return out }
            return carryOut(dispatcher.unpublish(stream, at: index, epoch: old.epoch))
        }
        guard before != carried else { return out }
        let answer = dispatcher.publish(
            stream, at: index, epoch: carried.epoch, priority: Int(priority), megabits: megabits(carried),
            arrival: arrival)
        switch answer {
        case .followed(let replan, _), .standby(let replan): out += carryOut(replan)
        case .refused(.fenced(let newer)):
            out.append(Outgoing(node: node, message: .fenced(stream: 0, carried.name, newer: newer)))
        case .refused: break
        }
        if before?.role != carried.role { out += tellWaiting(carried.name) }
        return out
    }

    private func megabits(_ carried: Carried) -> Double {
        carried.kilobits > 0 ? Double(carried.kilobits) / 1000 : DispatchDesk.presumedMegabits
    }

    /// Everything that the node carries, as the plan is to have it.
    private mutating func report(_ node: NodeID) -> [Outgoing] {
        guard let index = index(node), let seat = seats[node] else { return [] }
        seats[node]?.isStale = false
        var streams: [NodeReport.CarriedStream] = []
        for carried in seat.streams.values.sorted(by: { "\($0.name)" < "\($1.name)" }) {
            guard let stream = dispatcher.stream("\(carried.name)", app: carried.name.app) else { continue }
            let role: NodeReport.CarriedStream.Role
            switch carried.role {
            case .publisher(let priority): role = .publisher(epoch: carried.epoch, priority: Int(priority))
            case .child(let parent):
                guard let parent = self.index(parent) else { continue }
                role = .child(of: parent)
            case .waiting: role = .waiting
            case .gone: continue
            }
            streams.append(
                NodeReport.CarriedStream(
                    stream: stream, role: role, viewers: Int(carried.viewers), isWanted: carried.isWanted,
                    megabits: megabits(carried), epoch: carried.epoch))
        }
        var report = seat.load.map { NodeReport($0, of: index, topology) } ?? NodeReport(node: index)
        report.measurements = []
        report.streams = streams
        return carryOut(dispatcher.take(report))
    }

    // MARK: Routes

    /// Whether all there is has been told: a dispatcher that has just started waits for it before it says that there is
    /// no such stream. Without an answer nodes go on with what they know themselves.
    private var hasHeardAll: Bool {
        isSettled
            || topology.nodes.allSatisfy { node in
                NodeID(node.id).flatMap { seats[$0] }.map { $0.isConnected && $0.register != nil } ?? false
            }
    }

    private mutating func answer(_ want: Want, _ node: NodeID, _ index: NodeIndex) -> Outgoing? {
        let name = "\(want.name)"
        seats[node]?.wants.insert(name)
        guard let stream = dispatcher.stream(name, app: want.name.app) else {
            return steer(node, want.request, want.name, [], "the dispatcher keeps as many streams as it can")
        }
        switch dispatcher.join(stream, at: index) {
        case .refused(.notPublished) where !hasHeardAll: return nil
        case .refused(let refusal):
            return steer(node, want.request, want.name, [], refusal.describe(in: topology))
        case .route(let route, let why):
            let failed = Set(want.failed)
            let parents = places(route)
            let ordered =
                parents.filter { !failed.contains($0.place.node) } + parents.filter { failed.contains($0.place.node) }
            return steer(node, want.request, want.name, ordered, words(why, route))
        }
    }

    private func steer(
        _ node: NodeID, _ request: UInt32, _ name: RelayStreamName, _ parents: [SteerParent], _ why: String
    ) -> Outgoing {
        Outgoing(node: node, message: .steer(Steer(request: request, name: name, parents: parents, why: why)))
    }

    /// Nodes that have asked for a stream that nobody published then.
    private mutating func tellWaiting(_ name: RelayStreamName) -> [Outgoing] {
        var out: [Outgoing] = []
        for (node, seat) in seats where seat.isConnected && seat.wants.contains("\(name)") {
            guard let index = index(node), let stream = dispatcher.stream(named: "\(name)") else { continue }
            guard case .route(let route, let why) = dispatcher.join(stream, at: index) else { continue }
            out.append(steer(node, 0, name, places(route), words(why, route)))
        }
        return out
    }

    /// Tells the nodes what a change of plan asks of them. Mutating although it changes nothing: a method that is not
    /// would look at the plan as it was before its own argument was worked out.
    private mutating func carryOut(_ replan: Replan) -> [Outgoing] {
        var out: [Outgoing] = []
        // Before anybody is moved to them.
        for raise in replan.raised {
            guard let node = NodeID(topology[raise.node].id), let name = relayName(raise.stream) else { continue }
            out.append(Outgoing(node: node, message: .raise(name, from: raise.epoch, to: raise.to)))
        }
        for move in replan.moves {
            guard let node = NodeID(topology[move.node].id), seats[node]?.isConnected == true,
                let name = relayName(move.stream), let route = dispatcher.route(of: move.stream, at: move.node)
            else { continue }
            out.append(steer(node, 0, name, places(route), words(move.why, route)))
        }
        for fenced in replan.fenced {
            guard let node = NodeID(topology[fenced.node].id), let name = relayName(fenced.stream) else { continue }
            out.append(Outgoing(node: node, message: .fenced(stream: 0, name, newer: fenced.byEpoch)))
        }
        return out
    }

    // MARK: Clients

    /// Where a client should publish.
    mutating func placePublisher(_ place: Whereabouts, _ came: NodeIndex?, _ name: String? = nil) -> Admission {
        let app = name.flatMap { name in name.lastIndex(of: "/").map { String(name[..<$0]) } }
        return dispatcher.admitPublisher(
            from: place, megabits: DispatchDesk.presumedMegabits, came: came, app: app)
    }

    /// Where a client should watch.
    mutating func placeViewer(_ place: Whereabouts, _ came: NodeIndex?, _ name: String?) -> Admission {
        guard let stream = name.flatMap({ dispatcher.stream(named: $0) }) else {
            return .refuse(.notPublished, retryAfter: Admission.retrySeconds)
        }
        return dispatcher.admitViewer(of: stream, from: place, came: came)
    }

    func relayName(_ stream: StreamIndex) -> RelayStreamName? {
        let name = dispatcher.name(of: stream)
        guard let slash = name.lastIndex(of: "/") else { return nil }
        return RelayStreamName(app: String(name[..<slash]), name: String(name[name.index(after: slash)...]))
    }
}

extension NodeReport {
    init(_ load: Load, of node: NodeIndex, _ topology: Topology) {
        self.init(
            node: node, megabitsOut: Double(load.kilobitsOut) / 1000, megabitsIn: Double(load.kilobitsIn) / 1000,
            sessions: Int(load.sessions),
            cpu: max(Double(load.cpuPermille) / 1000, load.cpuLikeFullness(topology[node].capacity.cpu)),
            measurements: load.links.compactMap { link in
                topology.node(named: link.node.name).map {
                    Measurement(
                        peer: $0, rtt: Double(link.roundTripMicroseconds) / 1000,
                        loss: Double(link.lossPerMillion) / 1_000_000)
                }
            })
    }
}
