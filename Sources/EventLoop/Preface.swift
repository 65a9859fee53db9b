/// A connection from a trusted proxy, until its header has said who the client is (PROXY protocol, versions 1 and 2).
///
/// It holds the place of the connection's handler meanwhile. The header comes before everything else, TLS included.
import ProxyProtocol

public final class Preface: ConnectionHandler {
    private let connection: Connection
    private var bytes: [UInt8] = []
    private let accepted: () -> Void
    private let refused: (Failure) -> Void
    private lazy var timer = Timer(on: connection.loop) { [unowned self] in refuse(.late) }

    public enum Failure: Error {
        case late
        case ended(String)
        case malformed(ProxyError)

        /// As it stands in the metrics, and in the log.
        public var reason: String { if case .ended = self { "proxy_ended" } else { "proxy_header" } }
        public var description: String {
            switch self {
            case .late: "the proxy did not say within \(Preface.patience / 1000) s who the client is"
            case .ended(let reason): reason
            case .malformed(let error): error.description
            }
        }
    }

    /// Milliseconds: the header comes with the connection.
    static let patience: UInt64 = 5_000

    /// Reads the header from `connection`, which bears the client's address from then on, and tells one of the two, once.
    /// `accepted` gives the connection its handler, which is then given what came behind the header; after `refused` it
    /// is closed.
    public static func read(
        _ connection: Connection, accepted: @escaping () -> Void, refused: @escaping (Failure) -> Void
    ) {
        connection.start(Preface(connection, accepted, refused))
    }

    private init(_ connection: Connection, _ accepted: @escaping () -> Void, _ refused: @escaping (Failure) -> Void) {
        self.connection = connection
        self.accepted = accepted
        self.refused = refused
        timer.arm(after: Preface.patience)
    }

    public func received(_ more: UnsafeBufferPointer<UInt8>) {
        bytes += more
        do {
            let bytes = bytes
            guard let header = try ProxyHeader.parse(bytes.span) else { return }
            timer.disarm()
            if let source = header.source { connection.introduce(Address(host: source.host, port: source.port)) }
            accepted()
            connection.take(Array(bytes[header.size...]))
        } catch {
            refuse(.malformed(error))
        }
    }

    public func ended(_ reason: ConnectionEnd) { refuse(.ended(reason.description)) }

    public func writable() {}

    private func refuse(_ failure: Failure) {
        timer.disarm()
        refused(failure)
        // Lets go of this object.
        connection.close()
    }
}
