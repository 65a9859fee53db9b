/// Which bytes a viewer gets: a wire format, and which of the stream's tracks. Viewers of one kind share one log.
import Media

public struct WireKind: Hashable, Sendable {
    public enum Format: Hashable, Sendable {
        case flv
        /// Each FLV tag in a WebSocket message of its own.
        case webSocketFLV
        case rtmp
        /// For other nodes: frames with their numbers.
        case relay
    }

    public enum Tracks: String, Hashable, Sendable {
        case all, audio, video

        func contains(_ kind: MediaKind) -> Bool {
            switch kind {
            case .audio: self != .video
            case .video: self != .audio
            case .script: true
            }
        }
    }

    public var format: Format
    public var tracks: Tracks

    public init(_ format: Format, _ tracks: Tracks = .all) {
        self.format = format
        self.tracks = tracks
    }

    /// The log that every stream keeps, and from which the others are made: FLV tags hold whole message bodies, so
    /// that the bytes an FLV viewer reads and the bytes an encoder of another format starts from are the same.
    static let frames = WireKind(.flv)

    public static let relay = WireKind(.relay)
}
