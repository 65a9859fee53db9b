/// When a recording goes on in a new file. Asked only where a file can start, so files are a little longer than said.
public struct CutPolicy: Sendable, Equatable {
    /// Milliseconds of stream time; nil for one file without end.
    public var duration: Int64?
    public var bytes: Int64?

    /// Below, a disk would do little else than make files.
    public static let minDuration: Int64 = 1000
    public static let minBytes: Int64 = 64 << 10

    public init(duration: Int64? = nil, bytes: Int64? = nil) throws(CutPolicyError) {
        if let duration, duration < CutPolicy.minDuration { throw .duration(duration) }
        if let bytes, bytes < CutPolicy.minBytes { throw .bytes(bytes) }
        self.duration = duration
        self.bytes = bytes
    }

    private init() {}

    /// One file for the whole of a publish session.
    public static let never = CutPolicy()

    /// Why the file that began at `start` and has `size` bytes ends before a keyframe at `timestamp`; nil if it goes on.
    /// Time that has gone backwards is no reason: it says nothing of how long the file is.
    public func reason(start: Int64, timestamp: Int64, size: Int64) -> EndReason? {
        if let duration {
            let (elapsed, overflow) = timestamp.subtractingReportingOverflow(start)
            if overflow ? timestamp > start : elapsed >= duration { return .duration }
        }
        if let bytes, size >= bytes { return .size }
        return nil
    }
}

/// Why a policy is refused, for the operator who wrote it.
public enum CutPolicyError: Error, Equatable, CustomStringConvertible {
    case duration(Int64)
    case bytes(Int64)

    public var description: String {
        switch self {
        case .duration(let value):
            "record.duration is \(value) ms; at least \(CutPolicy.minDuration) ms, or leave it out for one file"
        case .bytes(let value):
            "record.size is \(value) bytes; at least \(CutPolicy.minBytes), or leave it out for one file"
        }
    }
}
