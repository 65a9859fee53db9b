/// Why a node did not start, and what to do about it.
import EventLoop

public enum StartError: Error, CustomStringConvertible {
    case listen(ListenError)
    case secret(file: String, fault: String)

    public var description: String {
        switch self {
        case .listen(let error): error.description
        case .secret(let file, let fault): "relay.secret_file: \(file) \(fault)"
        }
    }
}
