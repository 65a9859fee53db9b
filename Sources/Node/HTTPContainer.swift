/// Live streams over HTTP and WebSockets: the containers that hold them, by what a stream's path ends with.
import FLV
import Fanout

enum HTTPContainer: String, CaseIterable, CustomStringConvertible {
    case flv, ts, mp4

    var suffix: String { ".\(rawValue)" }
    /// As it stands in the stats, behind `http-` or `ws-`.
    var description: String { rawValue }

    var title: String {
        switch self {
        case .flv: "FLV"
        case .ts: "an MPEG transport stream"
        case .mp4: "MP4"
        }
    }

    var contentType: String {
        switch self {
        case .flv: "video/x-flv"
        case .ts: "video/mp2t"
        case .mp4: "video/mp4"
        }
    }

    var format: WireKind.Format {
        switch self {
        case .flv: .flv
        case .ts: .ts
        case .mp4: .mp4
        }
    }

    /// Over a WebSocket; nil where that is not to be had.
    var messages: WireKind.Format? {
        switch self {
        case .flv: .webSocketFLV
        case .mp4: .webSocketMP4
        case .ts: nil
        }
    }

    /// What the container begins with, whatever the stream.
    func head(_ tracks: WireKind.Tracks) -> [UInt8] {
        self == .flv ? FLVTag.fileHeader(hasAudio: tracks != .video, hasVideo: tracks != .audio) : []
    }
}
