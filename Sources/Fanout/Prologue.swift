/// What the join point of a log says of the stream's tracks, metadata and decoder configurations: read from its words, or
/// put into words for another place to join.
import FLV
import Media
import RelayProtocol

enum Prologue {
    /// The message bodies in a prologue that this node has made, for a log of one of the formats that hold bodies whole.
    static func bodies(_ prologue: [UInt8], _ format: WireKind.Format) -> [(kind: MediaKind, body: [UInt8])] {
        format == .relay ? relayed(prologue) : tagged(prologue)
    }

    private static func tagged(_ prologue: [UInt8]) -> [(kind: MediaKind, body: [UInt8])] {
        var reader = FLVReader()
        let file = FLVTag.fileHeader(hasAudio: true, hasVideo: true) + prologue
        guard (try? reader.receive(file.span)) != nil else { return [] }
        var bodies: [(kind: MediaKind, body: [UInt8])] = []
        while let frame = reader.next() { bodies.append((frame.kind, frame.payload)) }
        return bodies
    }

    private static func relayed(_ prologue: [UInt8]) -> [(kind: MediaKind, body: [UInt8])] {
        frames(prologue).map { ($0.header.kind, $0.body) }
    }

    private static func frames(_ prologue: [UInt8]) -> [RelayFrame] {
        var parser = RelayParser(open: true)
        var at = 0
        var frames: [RelayFrame] = []
        while let event = try? parser.next(prologue.span, &at) {
            if case .message(.frame(let frame)) = event { frames.append(frame) }
        }
        return frames
    }

    /// The prologue of a log in the relay format as it goes before another frame, whose number and time what is repeated
    /// bears.
    static func relayed(_ prologue: [UInt8], before number: FrameNumber, timestamp: UInt32) -> [UInt8] {
        frames(prologue).flatMap { frame in
            var frame = frame
            frame.header.number = number
            if frame.header.kind != .script { frame.header.timestamp = timestamp }
            return RelayMessage.frame(frame).bytes
        }
    }
}
