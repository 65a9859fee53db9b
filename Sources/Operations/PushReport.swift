/// One destination that a stream is sent on to, at one moment.
public struct PushReport: Sendable, Equatable {
    public var id: String
    public var app: String
    public var stream: String
    /// What the operator calls it; may be empty.
    public var name: String
    /// Where to, without what lets others in.
    public var url: String
    /// `settings` or `api`.
    public var source: String
    /// `waiting` (for the stream), `connecting`, `live`, `retrying` or `stopped`.
    public var state: String
    /// Seconds in that state.
    public var since: Double
    /// Of the calls since the last connection that lasted.
    public var attempt: Int
    /// Seconds to the next call; absent unless retrying.
    public var nextTry: Double?
    /// Why the last connection failed; empty if none has since one lasted.
    public var error: String
    /// The session that carries it, as in the log and in `/api/v1/sessions`; empty without one.
    public var session: String
    /// Connections that the destination has accepted.
    public var connections: UInt64
    /// Calls that were made because another had failed, ever.
    public var retries: UInt64 = 0
    /// Sent over all connections.
    public var bytesOut: UInt64
    /// Frames sent over all connections; absent where packets are sent that do not tell.
    public var frames: UInt64?
    /// Frames that the destination never got because it was too slow.
    public var framesMissed: UInt64 = 0
    /// Times that the destination was too slow and was moved to the newest keyframe.
    public var skips: UInt64
    /// Media time between what is sent and the newest frame.
    public var lagMilliseconds: UInt64

    public init(
        id: String, app: String, stream: String, name: String = "", url: String, source: String = "api",
        state: String = "waiting", since: Double = 0, attempt: Int = 0, nextTry: Double? = nil, error: String = "",
        session: String = "", connections: UInt64 = 0, bytesOut: UInt64 = 0, frames: UInt64? = nil,
        skips: UInt64 = 0, lagMilliseconds: UInt64 = 0
    ) {
        self.id = id
        self.app = app
        self.stream = stream
        self.name = name
        self.url = url
        self.source = source
        self.state = state
        self.since = since
        self.attempt = attempt
        self.nextTry = nextTry
        self.error = error
        self.session = session
        self.connections = connections
        self.bytesOut = bytesOut
        self.frames = frames
        self.skips = skips
        self.lagMilliseconds = lagMilliseconds
    }
}

extension PushReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("id", id)
            $0.member("app", app)
            $0.member("stream", stream)
            $0.member("name", name)
            $0.member("url", url)
            $0.member("source", source)
            $0.member("state", state)
            $0.member("since", since)
            $0.member("attempt", attempt)
            $0.member("nextTry", nextTry ?? .nan)
            $0.member("error", error)
            $0.member("session", session)
            $0.member("connections", connections)
            $0.member("retries", retries)
            $0.member("bytesOut", bytesOut)
            $0.member("frames") { out in if let frames { out.number(frames) } else { out.null() } }
            $0.member("framesMissed", framesMissed)
            $0.member("skips", skips)
            $0.member("lagMilliseconds", lagMilliseconds)
        }
    }
}

extension JSON {
    public static func encode(_ push: PushReport, pretty: Bool = false) -> [UInt8] {
        write(pretty) { push.write(to: &$0) }
    }

    /// `{"pushes": […]}`, in the order given.
    public static func encode(_ pushes: [PushReport], pretty: Bool = false) -> [UInt8] {
        write(pretty) { writer in
            writer.object { $0.member("pushes") { $0.array(pushes) { $1.write(to: &$0) } } }
        }
    }
}
