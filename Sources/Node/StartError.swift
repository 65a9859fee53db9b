/// Why a node did not start, and what to do about it.
import EventLoop
import SRT
import TLS

public enum StartError: Error, CustomStringConvertible {
    case listen(ListenError)
    case srt(SRTListenError)
    case secret(key: String, file: String, fault: String)
    case certificates(TLSError)

    public var description: String {
        switch self {
        case .listen(let error): error.description
        case .certificates(let error): "tls: \(error)"
        case .srt(let error): error.description
        case .secret(let key, let file, let fault): "\(key): \(file) \(fault)"
        }
    }
}
