/// Data plane. Makes the fragments of one log of fragmented MP4, one for each frame, as long as the log lasts.
import FMP4
import HTTP
import Media
import StreamLog

final class MovieMuxer: LogMuxer {
    private var muxer: FrameMuxer
    /// Each fragment is a WebSocket message.
    private let inMessages: Bool
    /// As the muxer says, kept where to look is a load.
    private(set) var hasVideo = false
    private var prologueVersion: UInt64?
    private(set) var prologue: [UInt8] = []

    private static let binary: UInt8 = 2

    init(_ tracks: WireKind.Tracks, inMessages: Bool) {
        let selection: Movie.Selection =
            switch tracks {
            case .all: .videoAndAudio(0)
            case .audio: .audio(0)
            case .video: .video
            }
        muxer = FrameMuxer(selection: selection)
        self.inMessages = inMessages
    }

    var unwritableFrames: UInt64 { muxer.unwritableFrames }
    var version: UInt32 { UInt32(truncatingIfNeeded: muxer.movie.version) }

    func beginSession() {
        muxer.beginSession()
        hasVideo = muxer.movie.hasVideo
    }

    func learn(_ kind: MediaKind, _ body: [UInt8]) {
        muxer.learn(kind, body: body.span)
        noteTracks()
    }

    func append(
        _ kind: MediaKind, _ mark: FrameMark, _ body: UnsafeRawBufferPointer, startsHere: Bool,
        to writer: inout LogWriter
    ) -> UInt64? {
        let plan = muxer.plan(
            kind, timestamp: mark.timestamp, origin: mark.origin, body: Span(_unsafeBytes: body))
        if muxer.movie.version != prologueVersion { noteTracks() }
        guard plan.size > 0 else { return nil }
        let header = inMessages ? WebSocket.headerSize(payloadCount: plan.size) : 0
        var mark = mark
        mark.size = UInt32(header + plan.size)
        return writer.append(mark) { target in
            if inMessages {
                _ = WebSocket.writeHeader(opcode: MovieMuxer.binary, payloadCount: plan.size, into: target)
            }
            // Safety: the log makes room for `mark.size` bytes; `body` is the caller's for the length of this call.
            muxer.write(
                plan, body: Span(_unsafeBytes: body),
                into: UnsafeMutableRawBufferPointer(start: target + header, count: plan.size))
        }
    }

    private func noteTracks() {
        hasVideo = muxer.movie.hasVideo
        prologueVersion = muxer.movie.version
        let bytes = muxer.movie.initialization
        guard inMessages, !bytes.isEmpty else {
            prologue = bytes
            return
        }
        let header = WebSocket.headerSize(payloadCount: bytes.count)
        prologue = [UInt8](unsafeUninitializedCapacity: header) { buffer, count in
            _ = WebSocket.writeHeader(
                opcode: MovieMuxer.binary, payloadCount: bytes.count, into: UnsafeMutableRawPointer(buffer.baseAddress!)
            )
            count = header
        }
        prologue += bytes
    }
}
