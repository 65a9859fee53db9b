import FMP4
import Media

/// The short ways from bodies to bytes.
enum Muxing {
    static func bytes(
        _ muxer: inout FrameMuxer, _ kind: MediaKind, _ time: Int64, _ body: [UInt8], origin: Int64? = nil
    ) -> [UInt8] {
        let plan = muxer.plan(kind, timestamp: time, origin: origin, body: body.span)
        return [UInt8](unsafeUninitializedCapacity: plan.size) { buffer, count in
            muxer.write(plan, body: body.span, into: UnsafeMutableRawBufferPointer(buffer))
            count = plan.size
        }
    }

    static func plan(_ muxer: inout FrameMuxer, _ kind: MediaKind, _ time: Int64, _ body: [UInt8]) -> FrameMuxer.Plan {
        muxer.plan(kind, timestamp: time, body: body.span)
    }

    static func add(
        _ builder: inout FragmentBuilder, _ kind: MediaKind, _ time: Int64, _ body: [UInt8], _ reference: Int = 0,
        origin: Int64? = nil
    ) -> FragmentBuilder.Outcome {
        builder.add(kind, timestamp: time, origin: origin, body: body.span, reference: UInt64(reference))
    }

    static func frames(_ frames: [Bodies.Frame], _ muxer: inout FrameMuxer) -> [UInt8] {
        frames.flatMap { bytes(&muxer, $0.kind, $0.time, $0.body) }
    }

    static func muxer(_ headers: [(MediaKind, [UInt8])] = Bodies.headers) -> FrameMuxer {
        var muxer = FrameMuxer()
        for (kind, body) in headers { muxer.learn(kind, body: body.span) }
        return muxer
    }

    /// Writes what the builder has; references are indices of `frames`.
    static func fragment(
        _ builder: inout FragmentBuilder, _ frames: [Bodies.Frame], sequence: UInt32, nextVideo: Int64? = nil
    ) -> [UInt8] {
        let size = builder.size
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            builder.write(
                sequence: sequence, nextVideo: nextVideo, into: UnsafeMutableRawBufferPointer(buffer)
            ) { reference, range, target in
                frames[Int(reference)].body[range].withUnsafeBytes { target.copyMemory(from: $0) }
            }
            count = size
        }
    }

    /// Segments of `frames` from the keyframe at or after index `start`, each cut into parts of 200 ms; without the last, which nothing ends.
    static func segments(
        _ frames: [Bodies.Frame], from start: Int = 0, selection: Movie.Selection = .all
    ) -> [Int64: [UInt8]] {
        var builder = FragmentBuilder(selection: selection)
        for (kind, body) in Bodies.headers { builder.learn(kind, body: body.span) }
        var segments: [Int64: [UInt8]] = [:]
        var segment: Int64?
        var part: UInt32 = 0
        for index in frames.indices.dropFirst(start) {
            let frame = frames[index]
            if frame.kind == .video, let first = segment {
                let isCut = frame.isKeyframe || frame.time - (builder.firstTimestamp ?? frame.time) >= 200
                if isCut && !builder.isEmpty {
                    part += 1
                    let bytes = fragment(&builder, frames, sequence: part, nextVideo: frame.time)
                    segments[first, default: []] += bytes
                }
            }
            if frame.isKeyframe {
                builder.beginSegment()
                segment = frame.time
                part = 0
            }
            guard segment != nil else { continue }
            _ = add(
                &builder, frame.kind, frame.time, frame.body, index,
                origin: 1_700_000_000_000_000 + frame.time * 1_000)
        }
        if let segment { segments[segment] = nil }
        return segments
    }
}
