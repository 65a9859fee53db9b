/// The pictures that the node has made of its streams since it started.
public struct SnapshotTotals: Sendable, Equatable {
    /// Programs that make one now.
    public var running = 0
    public var made: UInt64 = 0
    /// Those that came to nothing, by a word for the reason.
    public var failures: [String: UInt64] = [:]

    public init() {}

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("running", running)
            $0.member("made", made)
            $0.member("failures", failures)
        }
    }

    func write(to writer: inout PrometheusWriter) {
        writer.family("snapshots_running", .gauge, "Programs that make a picture of a stream.")
        writer.sample(running)
        writer.family("snapshots_total", .counter, "Pictures made of streams.")
        writer.sample(made)
        writer.counters(
            "snapshot_failures_total", "Pictures of streams that came to nothing, by reason.", by: "reason", failures)
    }
}
