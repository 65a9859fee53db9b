import FLV
import Fixtures
import MPEGTS
import Media

/// Streams to test with, and the short ways from bytes to frames and back.
enum Samples {
    static func read(_ bytes: [UInt8], program: UInt16? = nil) throws -> (events: [TSEvent], counters: TSCounters) {
        var reader = TSReader(program: program)
        try reader.receive(bytes.span)
        reader.finish()
        return (drain(&reader), reader.counters)
    }

    static func drain(_ reader: inout TSReader) -> [TSEvent] {
        var events: [TSEvent] = []
        while let event = reader.next() { events.append(event) }
        return events
    }

    static func frames(_ events: [TSEvent]) -> [TSFrame] {
        events.compactMap { if case .frame(let frame) = $0 { frame } else { nil } }
    }

    static func frames(of bytes: [UInt8]) throws -> [TSFrame] { frames(try read(bytes).events) }

    struct NoData: Error {}

    static func message(_ body: [UInt8]) throws -> DataMessage {
        guard let message = DataMessage(body.span) else { throw NoData() }
        return message
    }

    /// In order of decoding, and `offset` milliseconds later.
    static func mux(_ frames: [TSFrame], offset: Int64 = 0, muxer: inout TSMuxer) -> [UInt8] {
        var bytes: [UInt8] = []
        for frame in frames {
            bytes += mux(frame.kind, Int64(frame.timestamp) + offset, frame.body, &muxer)
        }
        return bytes
    }

    static func mux(_ frames: [TSFrame], offset: Int64 = 0) -> [UInt8] {
        var muxer = TSMuxer()
        return mux(frames, offset: offset, muxer: &muxer)
    }

    static func mux(
        _ kind: MediaKind, _ timestamp: Int64, _ body: [UInt8], _ muxer: inout TSMuxer, startsHere: Bool = false
    ) -> [UInt8] {
        let plan = muxer.plan(kind, timestamp: timestamp, body: body.span, startsHere: startsHere)
        return [UInt8](unsafeUninitializedCapacity: plan.size) { buffer, count in
            muxer.write(plan, body: body.span, into: UnsafeMutableRawBufferPointer(buffer))
            count = plan.size
        }
    }

    /// The sample's frames over and over, `seconds` long: each round as far behind the one before as the sample is long.
    static func long(_ bytes: [UInt8], seconds: Int64, length: Int64) throws -> [(
        kind: MediaKind, time: Int64, body: [UInt8]
    )] {
        let frames = try frames(of: bytes).sorted { $0.dts < $1.dts }
        let start = Int64(frames[0].timestamp)
        var result: [(kind: MediaKind, time: Int64, body: [UInt8])] = []
        for round in 0..<(seconds * 1_000 / length) {
            for frame in frames where Int64(frame.timestamp) - start < length {
                result.append((frame.kind, Int64(frame.timestamp) - start + round * length, frame.body))
            }
        }
        return result
    }
}
