/// Why a node did not start, and what to do about it.
import EventLoop
import TLS

public enum StartError: Error, CustomStringConvertible {
    case listen(ListenError)
    case secret(file: String, fault: String)
    case certificates(TLSError)

    public var description: String {
        switch self {
        case .listen(let error): error.description
        case .certificates(let error): "tls: \(error)"
        case .secret(let file, let fault): "relay.secret_file: \(file) \(fault)"
        }
    }
}
