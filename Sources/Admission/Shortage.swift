/// What a node, a stream or an application has no more of, for the client that is turned away and for the log.
public enum Shortage: Hashable, Sendable, CustomStringConvertible {
    case sessions(limit: Int)
    case out(limit: Int)
    case `in`(limit: Int)
    case cpu(permille: Int, limit: Int)
    case memory(limit: UInt64)
    case connections(limit: Int)
    case streamViewers(limit: Int)
    case streamOut(limit: Int)
    case appViewers(limit: Int)
    case appOut(limit: Int)
    case idcOut(idc: String, limit: Int)
    /// Of the whole network, for an application or a stream.
    case quota(QuotaLack)

    public var description: String {
        switch self {
        case .sessions(let limit): "limits.sessions, \(limit), are served"
        case .out(let limit): "limits.out, \(Shortage.megabits(limit)), are sent"
        case .in(let limit): "limits.in, \(Shortage.megabits(limit)), are received"
        case .cpu(let permille, let limit): "a processor is busy for \(permille / 10) %, limits.cpu is \(limit / 10) %"
        case .memory(let limit): "limits.memory, \(limit >> 20) MiB, are in use"
        case .connections(let limit): "limits.connections, \(limit), are open"
        case .streamViewers(let limit): "limits.stream_viewers, \(limit), watch the stream"
        case .streamOut(let limit): "limits.stream_out, \(Shortage.megabits(limit)), are sent of the stream"
        case .appViewers(let limit): "limits.app_viewers, \(limit), watch the application's streams"
        case .appOut(let limit): "limits.app_out, \(Shortage.megabits(limit)), are sent of the application's streams"
        case .idcOut(let idc, let limit): "limits.idc_out, \(Shortage.megabits(limit)), are sent to \(idc)"
        case .quota(let lack): lack.description
        }
    }

    /// As it stands in the metrics.
    public var label: String {
        switch self {
        case .sessions: "full_sessions"
        case .out: "full_out"
        case .in: "full_in"
        case .cpu: "full_cpu"
        case .memory: "full_memory"
        case .connections: "full_connections"
        case .streamViewers: "full_stream_viewers"
        case .streamOut: "full_stream_out"
        case .appViewers: "full_app_viewers"
        case .appOut: "full_app_out"
        case .idcOut: "full_idc_out"
        case .quota: "full_quota"
        }
    }

    /// Whether another node may well have what this one lacks.
    public var isOfThisNode: Bool {
        switch self {
        case .appViewers, .appOut, .streamViewers, .streamOut, .quota: false
        default: true
        }
    }

    static func megabits(_ kilobits: Int) -> String {
        kilobits % 1000 == 0 ? "\(kilobits / 1000) Mbit/s" : "\(kilobits / 1000).\(kilobits / 100 % 10) Mbit/s"
    }
}
