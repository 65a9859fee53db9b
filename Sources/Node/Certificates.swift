/// The certificates that the node shows: read at the start, and again when their files change. Sessions that are there go
/// on with what they began with.
import Configuration
import EventLoop
import Operations
import TLS

final class Certificates: Sendable {
    private let files: [TLSContext.Files]
    private let state: Lock<(context: TLSContext, stamps: [Int64])>
    private let log: EventLog

    /// Milliseconds between two looks at the files.
    static let lookInterval: UInt64 = 5_000

    /// Nil where none are configured.
    init?(_ settings: Settings.TLS, log: EventLog) throws(StartError) {
        guard !settings.certificates.isEmpty else { return nil }
        files = zip(settings.certificates, settings.keys).map { TLSContext.Files(certificate: $0, key: $1) }
        self.log = log
        do { state = Lock((try Certificates.read(files, nil), Certificates.stamps(files))) } catch {
            throw .certificates(error)
        }
    }

    var context: TLSContext { state.with { $0.context } }

    private static func read(_ files: [TLSContext.Files], _ previous: TLSContext?) throws(TLSError) -> TLSContext {
        try TLSContext(role: .server, identities: files, protocols: ["http/1.1"], previous: previous)
    }

    private static func stamps(_ files: [TLSContext.Files]) -> [Int64] {
        files.flatMap { [$0.certificate, $0.key] }.map { EventLoop.Process.modified($0) ?? 0 }
    }

    /// Reads the files again if one has changed: a certificate whose key is not there yet, when that has come.
    func look() {
        let now = Certificates.stamps(files)
        let (before, context) = state.with { ($0.stamps, $0.context) }
        guard now != before else { return }
        do {
            let fresh = try Certificates.read(files, context)
            state.with { $0 = (fresh, now) }
            log.write(.info, "tls.reloaded", [("certificates", "\(files.count)")])
        } catch {
            state.with { $0.stamps = now }
            log.write(.warning, "tls.not_reloaded", [("reason", error.description)])
        }
    }
}

/// Looks at the files now and then, on one loop.
final class CertificateWatch {
    private let certificates: Certificates
    private let loop: Loop
    private lazy var timer = Timer(on: loop) { [unowned self] in look() }

    init(_ certificates: Certificates, on loop: Loop) {
        self.certificates = certificates
        self.loop = loop
        timer.arm(after: Certificates.lookInterval)
    }

    private func look() {
        certificates.look()
        timer.arm(after: Certificates.lookInterval)
    }
}
