/// Who is served by the node, and whether there is room for one more. Pure: measurements and claims come in.
///
/// Invariants: what `enter` admits is counted until `leave` is told the same claim. What was admitted in this round and
/// the one before is added to what was measured, so that a crowd that comes within one second is not held against the
/// load of the second before. Times are milliseconds of a clock that does not go back.
public struct Ledger: Sendable {
    /// Of a stream, or of an application.
    fileprivate struct Use {
        var viewers = 0
        /// Viewers and relay children.
        var out = 0
        var publishers = 0
        /// Of a stream: its rate as it was last known, kilobits a second.
        var rate = 0
        /// To viewers, by the present rates.
        var shown = 0

        var isEmpty: Bool { viewers <= 0 && out <= 0 && publishers <= 0 }
    }

    public let capacity: Capacity
    /// Milliseconds in which every loop has been measured.
    static let round: UInt64 = 1_000
    /// Kilobits a second of a stream that has not been measured yet: what a usual one has.
    static let presumed = 2_500
    public private(set) var sessions = 0
    public private(set) var connections = 0
    private var loops: [LoopUse]
    private var memory: UInt64 = 0
    private var claimed = (out: Rounds(), in: Rounds())
    private var streams: [String: [String: Use]] = [:]
    private var apps: [String: Use] = [:]
    private var idcs: [String: Int] = [:]
    /// Of the quotas over the whole network.
    public var allowances = Allowances()

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
        _ claim: Claim, loop: Int, now: UInt64, stream: Quota = Quota(), app: Quota = Quota(), idcOut: Int = 0
    ) -> Shortage? {
        advance(to: now)
        if let short = room(for: claim.rank, out: claim.out, in: claim.in, loop: loop) { return short }
        if claim.rank != .publisher, let short = roomOf(claim, stream, app, idcOut) { return short }
        if !allowances.isEmpty, let lack = lack(for: claim, now: now) { return .quota(lack) }
        admit(claim)
        return nil
    }

    /// Counts one that takes the place of another, which leaves: there is room for it in any case.
    public mutating func replace(_ claim: Claim, now: UInt64) {
        advance(to: now)
        admit(claim)
    }

    private mutating func admit(_ claim: Claim) {
        count(claim, 1)
        claimed.out.add(claim.out)
        claimed.in.add(claim.in)
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
        guard claim.rank != .publisher else { return apps.change(claim.app) { $0.publishers += sign } }
        let viewers = claim.rank == .viewer ? sign : 0
        let out = sign * claim.kilobits
        let shown = change(claim.app, claim.stream) {
            $0.viewers += viewers
            $0.out += out
            if $0.rate == 0 || (sign > 0 && claim.kilobits > 0) { $0.rate = claim.expected }
        }
        apps.change(claim.app) {
            $0.viewers += viewers
            $0.out += out
            $0.shown += shown
        }
        guard !claim.idc.isEmpty else { return }
        let left = idcs[claim.idc, default: 0] + out
        idcs[claim.idc] = left > 0 ? left : nil
    }

    /// Changes what is counted of a stream, and says how much more is sent to its viewers.
    private mutating func change(_ app: String, _ stream: String, _ change: (inout Use) -> Void) -> Int {
        let before = streams[app]?[stream]?.shown ?? 0
        streams[app, default: [:]].change(stream) {
            change(&$0)
            $0.shown = $0.viewers * $0.rate
        }
        let after = streams[app]?[stream]?.shown ?? 0
        if streams[app]?.isEmpty == true { streams[app] = nil }
        return after - before
    }

    // MARK: Quotas

    /// What is used here of a quota: viewers, kilobits a second to them, publishers.
    public func use(of scope: Allowances.Scope) -> [Allowances.Resource: Int] {
        let use = (scope.stream.isEmpty ? apps[scope.app] : streams[scope.app]?[scope.stream]) ?? Use()
        return [.viewers: use.viewers, .kilobits: use.shown, .publishers: use.publishers]
    }

    /// The quota that has no room for the claim, if there is one.
    private func lack(for claim: Claim, now: UInt64) -> QuotaLack? {
        let needs: [(Allowances.Resource, Int)]
        switch claim.rank {
        case .relay: return nil
        case .publisher: needs = [(.publishers, 1)]
        case .viewer: needs = [(.viewers, 1), (.kilobits, claim.expected)]
        }
        for scope in [Allowances.Scope(app: claim.app, stream: claim.stream), Allowances.Scope(app: claim.app)] {
            for (resource, need) in needs {
                guard let amount = allowances.amount(resource, of: scope, now: now),
                    use(of: scope)[resource, default: 0] + need > amount.limit
                else { continue }
                return QuotaLack(scope: scope, resource: resource, used: amount.used, hard: amount.hard)
            }
        }
        return nil
    }

    // MARK: Measurements

    /// The rate of a stream, as it was measured.
    public mutating func measured(kilobits: Int, of stream: String, app: String) {
        guard kilobits > 0, let use = streams[app]?[stream], use.viewers > 0, use.rate != kilobits else { return }
        let more = change(app, stream) { $0.rate = kilobits }
        apps.change(app) { $0.shown += more }
    }

    /// One loop's, once a round.
    public mutating func measured(_ use: LoopUse, loop: Int, now: UInt64) {
        loops[loop] = use
        advance(to: now)
    }

    private mutating func advance(to now: UInt64) {
        claimed.out.advance(to: now)
        claimed.in.advance(to: now)
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

    /// The same with 500 at the soft mark, so that who has other marks can tell what is meant.
    public var position: Int {
        let (full, soft) = (fullness, max(1, min(capacity.soft, 999)))
        return full < soft ? full * 500 / soft : 500 + (full - soft) * 500 / (1000 - soft)
    }

    /// Whether nothing is remembered of those who have left, once all have.
    var isForgetful: Bool { streams.isEmpty && apps.isEmpty && idcs.isEmpty }
}

extension Ledger {
    /// What was promised in this round and the one before.
    fileprivate struct Rounds: Sendable {
        private var began: UInt64 = 0
        private var this = 0
        private var before = 0

        var sum: Int { this + before }
        mutating func add(_ amount: Int) { this += amount }

        mutating func advance(to now: UInt64) {
            guard now >= began + Ledger.round else { return }
            before = now >= began + 2 * Ledger.round ? 0 : this
            this = 0
            began = now
        }
    }
}

extension Dictionary where Key == String, Value == Ledger.Use {
    /// Forgets who has nothing left.
    fileprivate mutating func change(_ key: String, _ change: (inout Value) -> Void) {
        var use = self[key] ?? Value()
        change(&use)
        self[key] = use.isEmpty ? nil : use
    }
}

extension Claim {
    fileprivate var expected: Int { kilobits > 0 ? kilobits : Ledger.presumed }
    fileprivate var out: Int { rank == .publisher ? 0 : expected }
    fileprivate var `in`: Int { rank == .publisher ? expected : 0 }
}
