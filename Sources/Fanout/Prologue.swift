/// Reads what the join point of a frame log says of the stream's tracks: metadata and decoder configurations.
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
        var parser = RelayParser(open: true)
        var at = 0
        var bodies: [(kind: MediaKind, body: [UInt8])] = []
        while let event = try? parser.next(prologue.span, &at) {
            if case .message(.frame(let frame)) = event { bodies.append((frame.header.kind, frame.body)) }
        }
        return bodies
    }
}
