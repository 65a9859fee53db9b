/// What a client tells of itself when it connects.
public struct ConnectInfo: Sendable, Equatable {
    /// Without slashes at its ends and without query; from `tcUrl` when the client sends none.
    public var app = ""
    /// Parameters of the app or of `tcUrl`.
    public var query = ""
    public var tcUrl = ""
    /// The client's agent.
    public var flashVer = ""
    public var pageUrl = ""
    public var swfUrl = ""
    /// Whether the client speaks Enhanced RTMP.
    public var enhanced = false
    /// The codecs that an enhanced client offers.
    public var fourCCs: [String] = []
    /// The capability bits of Enhanced RTMP v2.
    public var capsEx = 0
    public var objectEncoding = 0
    /// Whether it says that it will publish, as encoders do with the type `nonprivate`.
    public var publishes = false
    /// Which nodes the stream has come through, where the client is one of them.
    public var via = Via()

    public init() {}
}

/// Why a client is turned away at `connect`, and where it may go instead.
public struct ConnectRefusal: Sendable, Equatable {
    public var description: String
    /// The tcUrl of a server with room, if one is known. Clients that do not know the field show the description.
    public var redirect: String?

    public init(description: String, redirect: String? = nil) {
        self.description = description
        self.redirect = redirect
    }
}

/// A client wants to publish.
public struct PublishRequest: Sendable, Equatable {
    public var app: String
    public var stream: String
    /// Parameters of the stream name and of the app, in this order.
    public var query: String
    /// "live", "record" or "append".
    public var type: String

    /// The value of a parameter, as it was sent; the stream's own go before the app's.
    public func parameter(_ name: String) -> Substring? {
        for item in query.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts[0] == name { return parts.count > 1 ? parts[1] : "" }
        }
        return nil
    }
}

/// A client wants to watch.
public struct PlayRequest: Sendable, Equatable {
    public var app: String
    public var stream: String
    public var query: String
    /// As sent: -2 asks for live or recorded, -1 for live alone, else a time. The specification says seconds, but
    /// ffmpeg and librtmp send milliseconds, and -2000 and -1000.
    public var start: Double
    public var duration: Double
    public var reset: Bool
}

/// What a server session tells its owner.
public enum ServerEvent: Sendable, Equatable {
    /// The client has connected and was told so.
    case connect(ConnectInfo)
    /// The client was turned away by the owner's screen; the owner closes the connection.
    case turnedAway(ConnectInfo, ConnectRefusal)
    /// To be answered with `acceptPublish` or `rejectPublish`. Media may follow before that.
    case publish(PublishRequest)
    /// To be answered with `acceptPlay` or `rejectPlay`.
    case play(PlayRequest)
    case media(MediaMessage)
    /// The publisher ends its stream and may stay connected.
    case unpublish
    /// The viewer ends its stream and may stay connected.
    case stop
    case pause(Bool)
    case receiveAudio(Bool)
    case receiveVideo(Bool)
    /// The answer to `ping`, with its timestamp.
    case pong(UInt32)
}

/// Why a viewer's stream ends.
public enum PlayEnd: Sendable, Equatable {
    /// The publisher has gone.
    case unpublished
    /// The server stops the stream.
    case stopped
}
