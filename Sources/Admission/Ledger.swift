/// Who is served by the node, and whether there is room for one more. Pure: measurements and claims come in.
///
/// Invariants: what `enter` admits is counted until `leave` is told the same claim. What was admitted after a loop's
/// last measurements is added to them as claimed, for two rounds, so that a crowd that comes within one second is not
/// measured against the load of the second before.
public struct Ledger: Sendable {
    /// Of a stream, or of an application.
    fileprivate struct Use {
        var viewers = 0
        /// Viewers and relay children.
        var out = 0
    }

    public let capacity: Capacity
    public private(set) var sessions = 0
    public private(set) var connections = 0
    private var loops: [LoopUse]
    private var memory: UInt64 = 0
    private var claimed = (out: Rounds(), in: Rounds())
    private var streams: [String: [String: Use]] = [:]
    private var apps: [String: Use] = [:]
    private var idcs: [String: Int] = [:]

    public init(_ capacity: Capacity, loops: Int) {
        self.capacity = capacity
        self.loops = Array(repeating: LoopUse(), count: loops)
    }

    // MARK: Connections

    /// One more connection, or what there is too little of for it.
    public mutating func connect() -> Shortage? {
        guard capacity.connections == 0 || connections < capacity.connections else {
            return .connections(limit: capacity.connections)
        }
        connections += 1
        return nil
    }

    public mutating func disconnect() { connections -= 1 }

    // MARK: Sessions

    /// Admits and counts a session, or says what is lacking.
    public mutating func enter(
        _ claim: Claim, loop: Int, stream: Quota = Quota(), app: Quota = Quota(), idcOut: Int = 0
    ) -> Shortage? {
        if let short = room(for: claim.rank, out: claim.out, in: claim.in, loop: loop) { return short }
        if claim.rank != .publisher, let short = roomOf(claim, stream, app, idcOut) { return short }
        count(claim, 1)
        claimed.out.add(claim.out)
        claimed.in.add(claim.in)
        return nil
    }

    public mutating func leave(_ claim: Claim) { count(claim, -1) }

    /// What a session of `rank` lacks at this node, whatever its stream.
    public func room(for rank: Rank, out: Int = 0, in: Int = 0, loop: Int) -> Shortage? {
        func isFull(_ mark: Int, _ use: Int) -> Bool { mark > 0 && use > capacity.share(of: mark, for: rank) }
        if isFull(capacity.sessions, sessions + 1) { return .sessions(limit: capacity.sessions) }
        if isFull(capacity.out, self.out + out), rank != .publisher { return .out(limit: capacity.out) }
        if isFull(capacity.in, self.in + `in`), rank == .publisher { return .in(limit: capacity.in) }
        let busy = loops[loop].busy
        // The one mark that cannot be added up beforehand: a session more costs what it costs.
        if capacity.cpu > 0, busy >= capacity.share(of: capacity.cpu, for: rank) {
            return .cpu(permille: busy, limit: capacity.cpu)
        }
        if capacity.memory > 0, memory >= UInt64(capacity.share(of: Int(clamping: capacity.memory), for: rank)) {
            return .memory(limit: capacity.memory)
        }
        return nil
    }

    private func roomOf(_ claim: Claim, _ stream: Quota, _ app: Quota, _ idcOut: Int) -> Shortage? {
        let ofStream = streams[claim.app]?[claim.stream] ?? Use()
        let ofApp = apps[claim.app] ?? Use()
        func isFull(_ mark: Int, _ use: Int) -> Bool { mark > 0 && use > mark }
        if claim.rank == .viewer {
            if isFull(stream.viewers, ofStream.viewers + 1) { return .streamViewers(limit: stream.viewers) }
            if isFull(app.viewers, ofApp.viewers + 1) { return .appViewers(limit: app.viewers) }
        }
        if isFull(stream.out, ofStream.out + claim.kilobits) { return .streamOut(limit: stream.out) }
        if isFull(app.out, ofApp.out + claim.kilobits) { return .appOut(limit: app.out) }
        if !claim.idc.isEmpty, isFull(idcOut, idcs[claim.idc, default: 0] + claim.kilobits) {
            return .idcOut(idc: claim.idc, limit: idcOut)
        }
        return nil
    }

    private mutating func count(_ claim: Claim, _ sign: Int) {
        sessions += sign
        guard claim.rank != .publisher else { return }
        let viewers = claim.rank == .viewer ? sign : 0
        let out = sign * claim.kilobits
        streams[claim.app, default: [:]].add(viewers, out, to: claim.stream)
        if streams[claim.app]?.isEmpty == true { streams[claim.app] = nil }
        apps.add(viewers, out, to: claim.app)
        guard !claim.idc.isEmpty else { return }
        let left = idcs[claim.idc, default: 0] + out
        idcs[claim.idc] = left > 0 ? left : nil
    }

    // MARK: Measurements

    /// One loop's, about once a second. The first loop's begins another round.
    public mutating func measured(_ use: LoopUse, loop: Int) {
        loops[loop] = use
        guard loop == 0 else { return }
        claimed.out.turn()
        claimed.in.turn()
    }

    public mutating func measured(memory: UInt64) { self.memory = memory }

    /// Kilobits a second, as measured and as promised since.
    public var out: Int { loops.reduce(claimed.out.sum) { $0 + $1.out } }
    public var `in`: Int { loops.reduce(claimed.in.sum) { $0 + $1.in } }

    /// How near the node is to the nearest of its hard marks, in thousandths.
    public var fullness: Int {
        func share(_ use: Int, _ mark: Int) -> Int { mark > 0 ? use * 1000 / mark : 0 }
        let busiest = loops.map(\.busy).max() ?? 0
        let shares = [
            share(sessions, capacity.sessions), share(out, capacity.out), share(`in`, capacity.in),
            share(busiest, capacity.cpu), share(Int(memory >> 10), Int(capacity.memory >> 10)),
            share(connections, capacity.connections),
        ]
        return min(1000, max(0, shares.max() ?? 0))
    }

    public var isBeyondSoft: Bool { fullness >= capacity.soft }

    /// Whether nothing is remembered of those who have left, once all have.
    public var isForgetful: Bool { streams.isEmpty && apps.isEmpty && idcs.isEmpty }
}

extension Ledger {
    /// What was promised in this round of measurements and the one before.
    fileprivate struct Rounds: Sendable {
        private var now = 0
        private var before = 0

        var sum: Int { now + before }
        mutating func add(_ amount: Int) { now += amount }
        mutating func turn() {
            before = now
            now = 0
        }
    }
}

extension Dictionary where Key == String, Value == Ledger.Use {
    /// Forgets who has nothing left.
    fileprivate mutating func add(_ viewers: Int, _ out: Int, to key: String) {
        var use = self[key] ?? Value()
        use.viewers += viewers
        use.out += out
        self[key] = use.viewers > 0 || use.out > 0 ? use : nil
    }
}

extension Claim {
    fileprivate var out: Int { rank == .publisher ? 0 : kilobits }
    fileprivate var `in`: Int { rank == .publisher ? kilobits : 0 }
}
