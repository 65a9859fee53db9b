/// What the fan-out is told by the configuration. Times are in milliseconds.
import HLS
import StreamLog

public struct FanoutSettings: Sendable {
    public var retention: LogWriter.Retention
    public var flushInterval: UInt64
    public var flushMax: UInt64
    public var linger: UInt64
    public var stallTimeout: UInt64
    public var takeover: TakeoverPolicy
    public var maxStreams: Int
    /// What segments of a stream are cut toward.
    public var segment: @Sendable (StreamName) -> Int64

    public init(
        retention: LogWriter.Retention = .init(), flushInterval: UInt64 = 40, flushMax: UInt64 = 100,
        linger: UInt64 = 10_000, stallTimeout: UInt64 = 20_000, takeover: TakeoverPolicy = .same,
        maxStreams: Int = 10_000,
        segment: @escaping @Sendable (StreamName) -> Int64 = { _ in SegmentNumbering.standardTarget }
    ) {
        self.retention = retention
        self.flushInterval = flushInterval
        self.flushMax = flushMax
        self.linger = linger
        self.stallTimeout = stallTimeout
        self.takeover = takeover
        self.maxStreams = maxStreams
        self.segment = segment
    }
}
