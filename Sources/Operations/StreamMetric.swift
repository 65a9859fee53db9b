/// One family of per-stream series: what it is called, and how it is read from a report.
///
/// `points` gives the same labels in the same order for every stream, so that streams can be summed point by point.
struct StreamMetric {
    struct Point {
        var value: Double
        var labels: PrometheusWriter.Labels = []
    }

    let name: String
    let kind: PrometheusWriter.Kind
    let help: String
    /// Whether a sum over streams means anything; what is not summable is left out of `_other`.
    var summable = true
    let points: (StreamReport) -> [Point]

    static var all: [StreamMetric] { traffic + audience + health }

    private static var traffic: [StreamMetric] {
        [
            counter("stream_received_bytes_total", "Bytes received from the publisher.") { $0.bytesIn },
            counter("stream_sent_bytes_total", "Bytes sent to viewers.") { $0.bytesOut },
            StreamMetric(name: "stream_frames_total", kind: .counter, help: "Frames received, by kind.") {
                [
                    Point(value: Double($0.framesAudio), labels: [("kind", "audio")]),
                    Point(value: Double($0.framesVideo), labels: [("kind", "video")]),
                ]
            },
        ]
    }

    private static var audience: [StreamMetric] {
        [
            StreamMetric(name: "stream_viewers", kind: .gauge, help: "Viewers of a stream.") {
                [Point(value: Double($0.viewers.values.reduce(0, &+)))]
            },
            counter("stream_skips_total", "Viewers moved to the newest keyframe because they fell too far behind.") {
                $0.skips
            },
            counter("stream_stalled_total", "Viewers disconnected because nothing moved for too long.") {
                $0.stalledOut
            },
        ]
    }

    private static var health: [StreamMetric] {
        [
            StreamMetric(name: "stream_live", kind: .gauge, help: "1 while the stream has a publisher.") {
                [Point(value: $0.state == "live" ? 1 : 0)]
            },
            StreamMetric(
                name: "stream_timestamp_corrections_total", kind: .counter, help: "Timestamps put right, by cause."
            ) {
                [
                    Point(value: Double($0.corrections.backwards), labels: [("cause", "backwards")]),
                    Point(value: Double($0.corrections.jumps), labels: [("cause", "jump")]),
                    Point(value: Double($0.corrections.rollovers), labels: [("cause", "rollover")]),
                ]
            },
            StreamMetric(name: "stream_log_bytes", kind: .gauge, help: "Media held in memory.") {
                [Point(value: Double($0.logBytes))]
            },
            StreamMetric(
                name: "stream_log_seconds", kind: .gauge, help: "Media held in memory, in seconds.", summable: false
            ) { [Point(value: $0.logSeconds)] },
            StreamMetric(
                name: "stream_rewind_bytes", kind: .gauge, help: "Bytes on the disk for rewinding."
            ) { [Point(value: Double($0.rewind?.bytes ?? 0))] },
            StreamMetric(
                name: "stream_rewind_oldest_seconds", kind: .gauge,
                help: "Unix time of the oldest that viewers can go back to.", summable: false
            ) { stream in stream.rewind?.oldest.map { [Point(value: $0)] } ?? [] },
            StreamMetric(
                name: "stream_rewind_window_seconds", kind: .gauge, help: "How far back viewers may go.",
                summable: false
            ) { stream in stream.rewind.map { [Point(value: $0.window)] } ?? [] },
            StreamMetric(
                name: "stream_last_frame_age_seconds", kind: .gauge, help: "Seconds since a frame came.",
                summable: false
            ) { stream in stream.sinceLastFrame.map { [Point(value: $0)] } ?? [] },
        ]
    }

    private static func counter(
        _ name: String, _ help: String, _ read: @escaping (StreamReport) -> UInt64
    ) -> StreamMetric {
        StreamMetric(name: name, kind: .counter, help: help) { [Point(value: Double(read($0)))] }
    }
}
