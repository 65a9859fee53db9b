/// Data plane. Makes the transport packets of one log, as long as the log lasts: continuity counters and the clock go on
/// over publish sessions.
import MPEGTS
import Media
import StreamLog

final class PacketMuxer: LogMuxer {
    private var muxer = TSMuxer()

    /// The tables are among the packets, wherever a reader can start.
    let prologue: [UInt8] = []
    let version: UInt32 = 0

    var unwritableFrames: UInt64 { muxer.unwritableFrames }
    /// As the muxer says, kept where to look is a load.
    private(set) var hasVideo = false

    func beginSession() {
        muxer.beginSession()
        hasVideo = false
    }

    func learn(_ kind: MediaKind, _ body: [UInt8]) {
        _ = muxer.plan(kind, timestamp: 0, body: body.span)
        hasVideo = muxer.hasVideo
    }

    func append(
        _ kind: MediaKind, _ mark: FrameMark, _ body: UnsafeRawBufferPointer, startsHere: Bool,
        to writer: inout LogWriter
    ) -> UInt64? {
        let plan = muxer.plan(
            kind, timestamp: mark.timestamp, body: Span(_unsafeBytes: body), startsHere: startsHere)
        hasVideo = muxer.hasVideo
        guard plan.size > 0 else { return nil }
        var mark = mark
        mark.size = UInt32(plan.size)
        return writer.append(mark) { target in
            // Safety: the log makes room for `mark.size` bytes; `body` is the caller's for the length of this call.
            muxer.write(
                plan, body: Span(_unsafeBytes: body),
                into: UnsafeMutableRawBufferPointer(start: target, count: plan.size))
        }
    }
}
