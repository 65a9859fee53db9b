/// Certificates of one use, and whom they trust: read at the start, and again when a file changes. Sessions that are there
/// go on with what they began with.
import TLS

public final class CertificateStore: Sendable {
    private let role: TLSContext.Role
    private let identities: [TLSContext.Files]
    private let authorities: String?
    private let besideSystem: Bool
    private let protocols: [String]
    private let state: Lock<(context: TLSContext, stamps: [Int64])>

    /// Parameters as those of `TLSContext`.
    public init(
        role: TLSContext.Role, identities: [TLSContext.Files], authorities: String? = nil, besideSystem: Bool = false,
        protocols: [String]
    ) throws(TLSError) {
        self.role = role
        self.identities = identities
        self.authorities = authorities
        self.besideSystem = besideSystem
        self.protocols = protocols
        let context = try TLSContext(
            role: role, identities: identities, authorities: authorities, besideSystem: besideSystem,
            protocols: protocols)
        state = Lock((context, CertificateStore.stamps(identities, authorities)))
    }

    public var context: TLSContext { state.with { $0.context } }

    private static func stamps(_ identities: [TLSContext.Files], _ authorities: String?) -> [Int64] {
        let files = identities.flatMap { [$0.certificate, $0.key] } + (authorities.map { [$0] } ?? [])
        return files.map { Process.modified($0) ?? 0 }
    }

    /// Reads the files again if one has changed: a certificate whose key is not there yet, when that has come. Nil where
    /// none has.
    func look() -> Result<Void, TLSError>? {
        let now = CertificateStore.stamps(identities, authorities)
        let (before, context) = state.with { ($0.stamps, $0.context) }
        guard now != before else { return nil }
        do throws(TLSError) {
            let fresh = try TLSContext(
                role: role, identities: identities, authorities: authorities, besideSystem: besideSystem,
                protocols: protocols, previous: context)
            state.with { $0 = (fresh, now) }
            return .success(())
        } catch {
            state.with { $0.stamps = now }
            return .failure(error)
        }
    }
}

/// Looks at the files of some stores now and then, on one loop. Stores have files in common: what became of a change is
/// told once for all of them.
public final class CertificateWatch {
    public typealias Report = @Sendable (Result<Void, TLSError>) -> Void

    private let stores: [CertificateStore]
    private let loop: Loop
    private let report: Report
    private lazy var timer = Timer(on: loop) { [unowned self] in look() }

    /// Milliseconds between two looks at the files.
    private static let interval: UInt64 = 5_000

    public init(_ stores: [CertificateStore], on loop: Loop, _ report: @escaping Report) {
        self.stores = stores
        self.loop = loop
        self.report = report
        if !stores.isEmpty { timer.arm(after: CertificateWatch.interval) }
    }

    private func look() {
        let results = stores.compactMap { $0.look() }
        var told: [TLSError] = []
        for case .failure(let error) in results where !told.contains(error) {
            told.append(error)
            report(.failure(error))
        }
        if told.isEmpty, !results.isEmpty { report(.success(())) }
        timer.arm(after: CertificateWatch.interval)
    }
}
