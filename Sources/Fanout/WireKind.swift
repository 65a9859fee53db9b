/// Which bytes a viewer gets: a wire format, and which of the stream's tracks. Viewers of one kind share one log.
import FLV
import Media
import RelayProtocol

public struct WireKind: Hashable, Sendable {
    public enum Format: Hashable, Sendable {
        case flv
        /// Each FLV tag in a WebSocket message of its own.
        case webSocketFLV
        case rtmp
        /// For other nodes: frames with their numbers.
        case relay
        /// Packets of an MPEG transport stream, each frame whole ones.
        case ts
        /// Fragmented MP4, each frame a fragment.
        case mp4
        /// Each fragment in a WebSocket message of its own.
        case webSocketMP4

        /// Frames depend on those before them: the log has a muxer.
        var isMuxed: Bool { self == .ts || self == .mp4 || self == .webSocketMP4 }
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

    /// There is a place for data beside sound and pictures. Where a part of the tracks is asked for, it is of those alone.
    var holdsData: Bool { tracks == .all && (format == .relay || format == .ts) }

    /// The log that a stream keeps while nobody reads.
    static let frames = WireKind(.flv)

    public static let relay = WireKind(.relay)

    /// For a log of that kind; nil where each frame stands for itself.
    func makeMuxer() -> (any LogMuxer)? {
        switch format {
        case .ts: PacketMuxer()
        case .mp4: MovieMuxer(tracks, inMessages: false)
        case .webSocketMP4: MovieMuxer(tracks, inMessages: true)
        case .flv, .webSocketFLV, .rtmp, .relay: nil
        }
    }

    /// Where a message body lies in a frame of that kind, from its ends: nil unless every body is there, and whole.
    ///
    /// Each stream keeps one log of such a kind, from which the others are made, so that the bytes that some read and
    /// the bytes that an encoder of another format starts from are the same.
    var bodyMargins: (before: Int, after: Int)? {
        guard tracks == .all else { return nil }
        return switch format {
        case .flv: (FLVTag.headerSize, FLVTag.trailerSize)
        case .relay: (RelayFrame.headerSize, 0)
        case .webSocketFLV, .rtmp, .ts, .mp4, .webSocketMP4: nil
        }
    }
}
