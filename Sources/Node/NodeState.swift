/// What all loops of a node share: settings, streams, log, counters. Everything in it is `Sendable`.
import Configuration
import EventLoop
import Fanout
import Operations
import RelayProtocol

final class NodeState: Sendable {
    let settings: Settings
    let hub: Hub
    let log: EventLog
    let started = Clock.unixMilliseconds
    let addresses: AddressLimits
    let gate: Gate
    let certificates: Certificates
    let passphrases: Passphrases
    /// Who this node is to others.
    let relay: RelayConnection.Configuration
    /// Who this process is in the ways of streams that are pushed: no name, for two nodes may have the same.
    let mark = UInt64.random(in: .min ... .max)
    let paths: StreamPaths
    let pulls = Pulls()
    let carriage = Carriage()
    let viewers = PackageViewers()
    let recordings: Recordings
    let stills: Stills
    let rewinding: Rewinding
    let routes: Routes
    let pushes = PushBoard()
    /// The connection to the dispatcher, if there is one; set once, before the loops run.
    let dispatch = Lock<DispatchDoor?>(nil)
    private let listening = Lock(Node.Ports())
    private let counters = Lock(Counters())

    struct Counters: Sendable {
        var accepted: UInt64 = 0
        var draining = false
        var errors: [String: UInt64] = [:]
        /// Of sessions that have ended.
        var bytesIn: UInt64 = 0
        var bytesOut: UInt64 = 0
        var srt = SRTReport()
    }

    /// Distinct reasons that are counted; they come from the program's own lists, so this is a backstop.
    private static let maxReasons = 200

    init(
        settings: Settings, relay: RelayConnection.Configuration, loops: Int, descriptors: Int
    ) throws(StartError) {
        self.settings = settings
        self.relay = relay
        paths = StreamPaths(relay.node)
        routes = Routes(file: settings.dispatch.cache.isEmpty ? nil : settings.dispatch.cache)
        log = EventLog(settings.log)
        try Recordings.checkFolders(settings)
        recordings = Recordings(settings, log)
        stills = Stills(settings, log)
        rewinding = Rewinding(settings, log)
        addresses = AddressLimits(
            sessions: settings.limits.sessionsPerAddress, publishes: settings.limits.publishPerAddress)
        certificates = try Certificates(settings.tls)
        passphrases = try Passphrases(settings)
        hub = Hub(settings: FanoutSettings(settings), loops: loops)
        gate = Gate(settings, hub, loops: loops, descriptors: descriptors)
    }

    /// What links over SRT are encrypted with: made of the network's secret; nil where there is none.
    var linkPassphrase: String? { relay.secret.map { Proof.passphrase(of: $0) } }

    /// Whether other nodes can be asked for streams.
    var hasParents: Bool { !settings.relay.parents.isEmpty || !settings.dispatch.servers.isEmpty }

    /// Where the node listens.
    var ports: Node.Ports { listening.with { $0 } }

    func listens(at ports: Node.Ports) { listening.with { $0 = ports } }

    var snapshot: Counters { counters.with { $0 } }
    var isDraining: Bool { counters.with { $0.draining } }

    func startDraining() { counters.with { $0.draining = true } }

    func count(error reason: String) {
        counters.with { counters in
            guard counters.errors[reason] != nil || counters.errors.count < NodeState.maxReasons else { return }
            counters.errors[reason, default: 0] += 1
        }
    }

    /// Whether there is room for another connection; it is counted if so.
    func admitConnection() -> Bool {
        if let short = gate.connect() {
            count(error: short.label)
            return false
        }
        counters.with { $0.accepted += 1 }
        return true
    }

    func srtEnded(_ report: SRTReport) { counters.with { $0.srt.add(report) } }

    func sessionEnded(bytesIn: UInt64, bytesOut: UInt64) {
        gate.disconnect()
        counters.with { counters in
            counters.bytesIn += bytesIn
            counters.bytesOut += bytesOut
        }
    }
}

extension FanoutSettings {
    init(_ settings: Settings) {
        self.init(
            retention: .init(milliseconds: Int64(settings.retention.time), bytes: settings.retention.bytes),
            flushInterval: UInt64(settings.play.flushInterval), flushMax: UInt64(settings.play.flushMax),
            linger: UInt64(settings.publish.linger), stallTimeout: UInt64(settings.play.stallTimeout),
            takeover: TakeoverPolicy(settings.publish.takeover), maxStreams: settings.limits.streams,
            segment: { Int64(settings.of(app: $0.app, stream: $0.name).hls.segment) })
    }
}

extension TakeoverPolicy {
    init(_ takeover: Settings.Takeover) {
        self =
            switch takeover {
            case .same: .same
            case .always: .always
            case .never: .never
            }
    }
}
