/// All destinations that streams are sent on to, together: those of now by state, and what has been done since the
/// server started, for those that are gone too. As many figures as there are, however many destinations.
public struct PushTotals: Sendable, Equatable {
    /// Destinations, by the state that they are in.
    public var states: [String: Int] = [:]
    public var bytes: UInt64 = 0
    /// Frames sent, where that can be told: not over SRT.
    public var frames: UInt64 = 0
    /// Frames that destinations never got because they were too slow.
    public var missed: UInt64 = 0
    /// Connections that destinations have accepted.
    public var connections: UInt64 = 0
    /// Calls that were made because another had failed.
    public var retries: UInt64 = 0

    /// Each is reported, whether or not a destination is in it.
    static let words = ["waiting", "connecting", "live", "retrying", "stopped"]

    public init() {}

    /// Counts one destination as it is now.
    public mutating func add(_ push: PushReport) {
        states[push.state, default: 0] += 1
        addPast(push)
    }

    /// Counts what one that is gone has done.
    public mutating func addPast(_ push: PushReport) {
        bytes += push.bytesOut
        frames += push.frames ?? 0
        missed += push.framesMissed
        connections += push.connections
        retries += push.retries
    }

    public mutating func add(_ other: PushTotals) {
        states.merge(other.states, uniquingKeysWith: +)
        bytes += other.bytes
        frames += other.frames
        missed += other.missed
        connections += other.connections
        retries += other.retries
    }
}

extension PushTotals {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("states") { out in
                out.object { out in for word in PushTotals.words { out.member(word, states[word] ?? 0) } }
            }
            $0.member("bytes", bytes)
            $0.member("frames", frames)
            $0.member("missed", missed)
            $0.member("connections", connections)
            $0.member("retries", retries)
        }
    }

    func write(to writer: inout PrometheusWriter) {
        writer.family("pushes", .gauge, "Destinations that streams are sent on to, by state.")
        for word in PushTotals.words { writer.sample(states[word] ?? 0, [("state", word)]) }
        writer.family("push_sent_bytes_total", .counter, "Bytes sent on to other servers.")
        writer.sample(bytes)
        writer.family("push_sent_frames_total", .counter, "Frames sent on to other servers, but for those over SRT.")
        writer.sample(frames)
        writer.family("push_missed_frames_total", .counter, "Frames that other servers were too slow for.")
        writer.sample(missed)
        writer.family("push_connections_total", .counter, "Connections that other servers have accepted a stream on.")
        writer.sample(connections)
        writer.family("push_retries_total", .counter, "Calls to other servers because one before had failed.")
        writer.sample(retries)
    }
}
