/// A connection from a proxy, until its header has said who the client is.
import EventLoop
import ProxyProtocol

final class Preface: ConnectionHandler {
    private let connection: Connection
    private var bytes: [UInt8] = []
    private let then: (Result<[UInt8], Failure>) -> Void
    private lazy var timer = Timer(on: connection.loop) { [unowned self] in then(.failure(.late)) }

    enum Failure: Error {
        case late
        case ended(String)
        case malformed(ProxyError)

        /// As it stands in the metrics, and in the log.
        var reason: String { if case .ended = self { "proxy_ended" } else { "proxy_header" } }
        var description: String {
            switch self {
            case .late: "the proxy did not say within \(Preface.patience / 1000) s who the client is"
            case .ended(let reason): reason
            case .malformed(let error): error.description
            }
        }
    }

    /// Milliseconds: the header comes with the connection.
    private static let patience: UInt64 = 5_000

    /// `then` is told once, with what came behind the header.
    init(_ connection: Connection, _ then: @escaping (Result<[UInt8], Failure>) -> Void) {
        self.connection = connection
        self.then = then
        timer.arm(after: Preface.patience)
    }

    func received(_ more: UnsafeBufferPointer<UInt8>) {
        bytes += more
        do {
            let bytes = bytes
            guard let header = try ProxyHeader.parse(bytes.span) else { return }
            timer.disarm()
            if let source = header.source { connection.introduce(Address(host: source.host, port: source.port)) }
            then(.success(Array(bytes[header.size...])))
        } catch {
            timer.disarm()
            then(.failure(.malformed(error)))
        }
    }

    func ended(_ reason: ConnectionEnd) {
        timer.disarm()
        then(.failure(.ended(reason.description)))
    }

    func writable() {}
}
