/// Who is let in, on all loops together: the ledger behind a lock, and what a dispatcher has said of other nodes' room.
import Admission
import Configuration
import EventLoop
import Fanout
import RelayProtocol

final class Gate: Sendable {
    private let settings: Settings
    private let hub: Hub
    private let ledger: Lock<Ledger>
    private let elsewhere = Lock<(room: Room, until: UInt64)?>(nil)

    /// File descriptors that are no connections: logs, timers, the resolver's, libraries'.
    private static let ownDescriptors = 256
    /// What a dispatcher has said of other nodes counts for so many milliseconds: it says it again every few seconds.
    private static let roomLasts: UInt64 = 30_000
    /// Given where no dispatcher says otherwise.
    private static let retrySeconds = 10
    /// Where only the node's own part of a quota is used up: by then it has been given more.
    private static let partRetrySeconds = 1

    init(_ settings: Settings, _ hub: Hub, loops: Int, descriptors: Int) {
        self.settings = settings
        self.hub = hub
        let limits = settings.limits
        var capacity = Capacity()
        capacity.sessions = limits.sessions
        capacity.out = limits.out
        capacity.in = limits.in
        capacity.cpu = limits.cpu * 10
        capacity.memory = UInt64(limits.memory)
        capacity.connections =
            limits.connections > 0 ? limits.connections : max(64, descriptors - Gate.ownDescriptors)
        capacity.soft = limits.soft * 10
        capacity.reserve = limits.reserve * 10
        ledger = Lock(Ledger(capacity, loops: loops))
    }

    private var now: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }

    // MARK: Connections and sessions

    func connect() -> Shortage? { ledger.with { $0.connect() } }
    func disconnect() { ledger.with { $0.disconnect() } }
    var connections: Int { ledger.with { $0.connections } }

    /// A claim for a session of `rank`, counted; to be given back with `leave`.
    func enter(_ rank: Rank, _ name: StreamName, idc: String = "", on loop: Loop) -> Result<Claim, Turned> {
        enter(rank, name, idc: idc, loop: loop.index)
    }

    func enter(_ rank: Rank, _ name: StreamName, idc: String = "", loop: Int) -> Result<Claim, Turned> {
        let here = settings.node.idc
        let claim = Claim(
            rank: rank, app: name.app, stream: name.name, kilobits: rate(of: name), idc: idc == here ? "" : idc)
        let limits = settings.of(app: name.app, stream: name.name).limits
        let now = now
        func enter() -> Shortage? {
            ledger.with {
                $0.enter(
                    claim, loop: loop, now: now,
                    stream: Quota(viewers: limits.streamViewers, out: limits.streamOut),
                    app: Quota(viewers: limits.appViewers, out: limits.appOut), idcOut: limits.idcOut)
            }
        }
        var short = enter()
        // What was measured last may be from before others have gone: loops that sleep measure nothing.
        if case .memory = short {
            measureMemory()
            short = enter()
        }
        return short.map { .failure(turned($0, rank)) } ?? .success(claim)
    }

    /// For a publisher that takes the place of one that is here: it is let in however full the node is.
    func replace(_ name: StreamName) -> Claim {
        let claim = Claim(rank: .publisher, app: name.app, stream: name.name, kilobits: rate(of: name))
        let now = now
        ledger.with { $0.replace(claim, now: now) }
        return claim
    }

    func leave(_ claim: Claim) { ledger.with { $0.leave(claim) } }

    /// Whether a client of that rank would be turned away, whatever it wants.
    func isClosed(to rank: Rank, on loop: Loop) -> Turned? {
        if case .memory = ledger.with({ $0.room(for: rank, loop: loop.index) }) { measureMemory() }
        return ledger.with { $0.room(for: rank, loop: loop.index) }.map { turned($0, rank) }
    }

    // MARK: Measuring

    /// `rates`: bits a second of the streams whose home the loop is. They are asked for where quotas are kept.
    func measured(_ use: LoopUse, rates: @autoclosure () -> [StreamName: Double], on loop: Loop) {
        let now = now
        let isAllotted = ledger.with { !$0.allowances.isEmpty }
        let rates = isAllotted ? rates() : [:]
        measureMemory()
        ledger.with {
            $0.measured(use, loop: loop.index, now: now)
            $0.allowances.expire(now: now)
            for (name, rate) in rates { $0.measured(kilobits: Int(rate / 1000), of: name.name, app: name.app) }
        }
    }

    /// By every loop that is awake: any of them may be the only one.
    private func measureMemory() {
        guard settings.limits.memory > 0 else { return }
        let memory = EventLoop.Process.residentBytes
        ledger.with { $0.measured(memory: memory) }
    }

    /// Thousandths of the limit that is nearest, and the same with 500 at the soft mark.
    var fullness: Int { ledger.with { $0.fullness } }
    var position: Int { ledger.with { $0.position } }

    private func rate(of name: StreamName) -> Int { hub.find(name)?.kilobitsIn ?? 0 }

    // MARK: Elsewhere

    /// A dispatcher tells where there is room.
    func learn(_ room: Room) {
        let until = now + Gate.roomLasts
        elsewhere.with { $0 = (room, until) }
    }

    // MARK: Quotas

    /// A dispatcher, one of those that the node has been told of, says up to how much this node may go.
    func take(_ quotas: [AllowedQuota], from dispatcher: Int) {
        let now = now
        ledger.with { ledger in
            for quota in quotas {
                let scope = Allowances.Scope(app: quota.name.app, stream: quota.name.stream)
                switch quota.order {
                case .tell: ledger.allowances.ask(scope, by: dispatcher, now: now)
                case .forget: ledger.allowances.forget(scope, by: dispatcher)
                case .keep(let viewers, let kilobits, let publishers):
                    let limits: [Allowances.Resource: AllowedQuota.Amount?] = [
                        .viewers: viewers, .kilobits: kilobits, .publishers: publishers,
                    ]
                    ledger.allowances.keep(
                        limits.compactMapValues { $0.map(Allowances.Amount.init) }, of: scope, by: dispatcher)
                }
            }
        }
    }

    func lost(dispatcher: Int) {
        let now = now
        ledger.with { $0.allowances.lost(dispatcher, now: now) }
    }

    /// What is used of the quotas that a dispatcher has spoken of.
    func used(of dispatcher: Int) -> [UsedQuota] {
        ledger.with { ledger in
            ledger.allowances.scopes(by: dispatcher).compactMap { scope in
                let use = ledger.use(of: scope)
                func amount(_ resource: Allowances.Resource) -> UInt32 { UInt32(clamping: use[resource] ?? 0) }
                return QuotaName(app: scope.app, stream: scope.stream).map {
                    UsedQuota(
                        name: $0, viewers: amount(.viewers), kilobits: amount(.kilobits),
                        publishers: amount(.publishers))
                }
            }
        }
    }

    private func turned(_ short: Shortage, _ rank: Rank) -> Turned {
        if case .quota(let lack) = short {
            return Turned(short: short, retrySeconds: lack.isSpent ? Gate.retrySeconds : Gate.partRetrySeconds)
        }
        let now = now
        let known = elsewhere.with { $0 }.flatMap { now < $0.until ? $0.room : nil }
        var turned = Turned(short: short, retrySeconds: known.map { Int($0.retrySeconds) } ?? Gate.retrySeconds)
        guard short.isOfThisNode, let known else { return turned }
        let places = known.places.filter { $0.roles.contains(rank == .publisher ? .ingest : .edge) }
        turned.rtmp = places.first { !$0.rtmp.isEmpty }?.rtmp
        turned.http = places.first { !$0.http.isEmpty }?.http
        return turned
    }
}

/// What somebody who is not let in is told.
struct Turned: Error {
    let short: Shortage
    var retrySeconds: Int
    /// Where there is room, `host:port`.
    var rtmp: String?
    var http: String?

    /// For the client.
    var text: String {
        if case .quota(let lack) = short { return "no room: \(lack)" }
        return "this node is full: \(short)"
    }
}

extension Allowances.Amount {
    fileprivate init(_ amount: AllowedQuota.Amount) {
        self.init(limit: Int(amount.limit), used: Int(amount.used), hard: Int(amount.hard))
    }
}
