/// Why a node did not start, and what to do about it.
import EventLoop
import SRT
import TLS

public enum StartError: Error, CustomStringConvertible {
    case listen(ListenError)
    case srt(SRTListenError)
    case secret(key: String, file: String, fault: String)
    case certificates(TLSError)
    case recordingFolder(String, obstacle: String)
    case threads(String)

    public var description: String {
        switch self {
        case .listen(let error): error.description
        case .certificates(let error): "tls: \(error)"
        case .recordingFolder(let path, let obstacle):
            "record.path: \(path) cannot be a folder, as \(obstacle) is none; name another folder, or move that away"
        case .threads(let what):
            "the system refuses the threads of \(what); raise the limit of threads (TasksMax, ulimit -u)"
        case .srt(let error): error.description
        case .secret(let key, let file, let fault): "\(key): \(file) \(fault)"
        }
    }
}
