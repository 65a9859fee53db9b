/// What a message body is, as far as the log must know: may a viewer start here, is it decoder configuration, and of
/// which track.
import FLV
import Media
import StreamLog

struct FrameClass {
    let kind: MediaKind
    let flags: FrameMark.Flags
    /// Of a message of several tracks, the first of them.
    private(set) var track: UInt8 = 0
    /// Which configuration it replaces, if it is one.
    let key: Configurations.Key
    /// The stream has pictures from here on.
    var announcesVideo = false
    /// It is said again to those who come later: configurations, metadata, and what tells of data tracks.
    let isNoted: Bool

    var isConfiguration: Bool { flags.contains(.configuration) }
    var isKeyframe: Bool { flags.contains(.keyframe) }
    var isData: Bool { flags.contains(.data) }
    var isMetadata: Bool { kind == .script && !isData }

    /// Hot. Few frames have to be parsed for it.
    init(_ kind: MediaKind, _ body: Span<UInt8>) throws(FLVError) {
        if let plain = PlainFrame(kind, body) { self.init(kind, plain) } else { try self.init(parsing: body, kind) }
    }

    private init(_ kind: MediaKind, _ plain: PlainFrame) {
        self.kind = kind
        flags =
            switch plain {
            case .keyframe: [.video, .keyframe]
            case .picture: .video
            case .sound: .audio
            }
        key = .init(kind: kind, slot: 0)
        announcesVideo = plain != .sound
        isNoted = false
    }

    private init(parsing body: Span<UInt8>, _ kind: MediaKind) throws(FLVError) {
        self.kind = kind
        guard !body.isEmpty else {
            flags = []
            key = .init(kind: kind, slot: 0)
            isNoted = kind == .script
            return
        }
        switch kind {
        case .script where DataMessage.isOne(body):
            let message = DataMessage(body)
            flags = [.script, .data]
            key = .data(track: message?.track ?? 0)
            isNoted = message?.isDeclaration ?? false
        case .script:
            flags = .script
            key = .init(kind: kind, slot: 0)
            isNoted = true
        case .video:
            let packet = try VideoPacket.parse(body)
            track = packet.trackID
            announcesVideo = packet.isSequenceHeader || packet.isCoded
            if packet.isSequenceHeader || packet.packetType == .metadata {
                flags = [.video, .configuration]
                key = .init(kind: kind, slot: UInt16(packet.trackID) | (packet.isSequenceHeader ? 0 : 0x100))
            } else {
                flags = packet.isKeyframe && packet.isCoded ? [.video, .keyframe] : .video
                key = .init(kind: kind, slot: 0)
            }
            isNoted = flags.contains(.configuration)
        case .audio:
            let packet = try AudioPacket.parse(body)
            track = packet.trackID
            flags = packet.isSequenceHeader ? [.audio, .configuration] : .audio
            key = .init(kind: kind, slot: packet.isSequenceHeader ? UInt16(packet.trackID) : 0)
            isNoted = packet.isSequenceHeader
        }
    }
}
