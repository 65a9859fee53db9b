/// What is packaged for HLS of all streams, now.
public struct PackagingTotals: Sendable, Equatable {
    /// Streams that are live.
    public var streams = 0
    /// Streams that have ended, whose last segments are still given.
    public var ended = 0
    /// Bytes of segments and parts in memory, of both.
    public var bytes = 0

    public init() {}

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("streams", streams)
            $0.member("ended", ended)
            $0.member("bytes", bytes)
        }
    }

    func write(to writer: inout PrometheusWriter) {
        writer.family("packaged_streams", .gauge, "Live streams that are packaged for HLS.")
        writer.sample(streams)
        writer.family("packaged_ended", .gauge, "Streams that have ended, whose last segments are still given.")
        writer.sample(ended)
        writer.family("packaged_bytes", .gauge, "Memory of segments and parts.")
        writer.sample(bytes)
    }
}
