/// A keyframe as a file of one picture, for a program that knows containers but none of our logs: fragmented MP4 where
/// the codec has a place in it, which every ffmpeg reads, else FLV, which has one for all the old ones.
///
/// What goes in are FLV tags, as a stream's frame log holds them.
import FLV
import FMP4
import Media

public struct KeyframeFile: Sendable, Equatable {
    public enum Container: String, Sendable { case mp4, flv }

    public let container: Container
    public let bytes: [UInt8]

    /// - Parameters:
    ///   - prologue: tags with what a decoder is told first.
    ///   - keyframe: one tag.
    /// Nil for tags that hold no picture.
    public init?(prologue: [UInt8], keyframe: [UInt8]) {
        let head = FLVTag.fileHeader(hasAudio: false, hasVideo: true)
        let known = Self.frames(head + prologue)
        guard let picture = Self.frames(head + keyframe).first, picture.kind == .video else { return nil }
        if let movie = Self.movie(known, picture) {
            container = .mp4
            bytes = movie
        } else {
            container = .flv
            // Without the rest: what a program has no need of cannot trouble it.
            bytes = known.filter { $0.kind == .video }.reduce(head) { $0 + Self.tag($1) } + keyframe
        }
    }

    private static func frames(_ file: [UInt8]) -> [FLVFrame] {
        var reader = FLVReader()
        guard (try? reader.receive(file.span)) != nil else { return [] }
        var frames: [FLVFrame] = []
        while let frame = reader.next() { frames.append(frame) }
        return frames
    }

    private static func tag(_ frame: FLVFrame) -> [UInt8] {
        let size = FLVTag.encodedSize(payloadCount: frame.payload.count)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            frame.payload.withUnsafeBytes { payload in
                // Safety: there is room for `size` bytes, which is what a tag of that payload takes.
                count = FLVTag.encode(
                    kind: frame.kind, timestamp: frame.timestamp, payload: payload, into: buffer.baseAddress!)
            }
        }
    }

    private static func movie(_ known: [FLVFrame], _ picture: FLVFrame) -> [UInt8]? {
        var settings = FrameMuxer.Settings()
        settings.hasProducerTime = false
        var muxer = FrameMuxer(selection: .video, settings: settings)
        for frame in known where frame.kind == .video { muxer.learn(.video, body: frame.payload.span) }
        let plan = muxer.plan(.video, timestamp: 0, body: picture.payload.span)
        guard plan.size > 0, !plan.carriesInitialization else { return nil }
        return muxer.movie.initialization
            + [UInt8](unsafeUninitializedCapacity: plan.size) { buffer, count in
                muxer.write(plan, body: picture.payload.span, into: UnsafeMutableRawBufferPointer(buffer))
                count = plan.size
            }
    }
}
