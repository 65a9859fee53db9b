/// Dials another node or a dispatcher, over whatever its address says, and hands out a connection of bytes.
import Configuration
import EventLoop
import SRT
import TLS

/// A connection to another node before anything is said on it.
struct Line {
    let connection: Connection
    /// To be put over the connection once it has started.
    var tls: TLSSession?
    /// What carries it in truth, where that is not TCP.
    var tunnel: SRTTunnel?
}

final class LinkDialer {
    private var tcp: Dialer?
    private var srt: SRTDialer?

    /// `done` as that of `Dialer`; the failure is for the log. `timeout`: milliseconds.
    init(
        _ remote: Remote, timeout: UInt64, _ state: NodeState, on loop: Loop,
        _ done: @escaping (Result<Line, LinkFailure>) -> Void
    ) {
        let port = UInt16(clamping: remote.port)
        guard remote.transport == .srt else {
            tcp = Dialer(remote.host, port: port, timeout: timeout, on: loop) { result in
                switch result {
                case .success(let connection): done(LinkDialer.line(connection, remote, state))
                case .failure(let error): done(.failure(LinkFailure(error.description)))
                }
            }
            return
        }
        var options = SRTOptions(passphrase: state.linkPassphrase, flavour: .link)
        options.keyLength = .aes256
        srt = SRTDialer(
            remote.host, port: port, options: options, timeout: max(timeout, LinkDialer.srtPatience), on: loop
        ) { result in
            switch result {
            case .success(let socket):
                guard let tunnel = SRTTunnel(socket) else {
                    socket.close()
                    return done(.failure(LinkFailure("there are no more file descriptors")))
                }
                done(.success(Line(connection: tunnel.connection, tunnel: tunnel)))
            case .failure(let error): done(.failure(LinkFailure(error.description)))
            }
        }
    }

    /// Milliseconds: a handshake over SRT is three round trips of a path that may be long and lossy.
    private static let srtPatience: UInt64 = 3_000

    private static func line(
        _ connection: Connection, _ remote: Remote, _ state: NodeState
    ) -> Result<Line, LinkFailure> {
        guard remote.transport == .tls else { return .success(Line(connection: connection)) }
        guard let store = state.certificates.dialling else {
            connection.close()
            return .failure(LinkFailure("no TLS to \(remote) without tls.certificates, tls.keys and tls.authorities"))
        }
        // Who may speak is whom the network's authority has signed; nodes are dialled by addresses that move.
        return .success(Line(connection: connection, tls: TLSSession(store.context)))
    }
}

struct LinkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
