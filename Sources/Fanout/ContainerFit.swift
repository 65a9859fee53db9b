/// Which of a stream's tracks a container has a place for, as far as is known of them: for the answer to those who ask for
/// it in one. Of a multitrack stream the first track of each kind counts.
import FLV
import FMP4
import MPEGTS
import Media

public struct ContainerFit: Sendable, Equatable {
    /// Codecs, by name.
    public internal(set) var held: [String] = []
    public internal(set) var leftOut: [String] = []
    /// Those of them that nobody has been told of.
    public internal(set) var news: [String] = []
    /// Nothing is likely to change about it.
    public internal(set) var isSettled = false

    /// Who waits for it would see and hear nothing.
    public var isNothing: Bool { isSettled && held.isEmpty && !leftOut.isEmpty }

    mutating func add(_ name: String, isHeld: Bool) {
        if isHeld { held.append(name) } else { leftOut.append(name) }
    }
}

extension Stream {
    /// Frames after which a track that has not been heard of is none: some three seconds of pictures.
    private static let framesToSettle: UInt64 = 90

    public func fit(of kind: WireKind) -> ContainerFit {
        var fit = ContainerFit()
        var known = 0
        let tracks = kind.tracks
        if tracks.contains(.video), let codec = description.video?.codec {
            fit.add(codec.name, isHeld: kind.format.holds(codec))
            known += 1
        }
        if tracks.contains(.audio), let codec = description.audio?.codec {
            fit.add(codec.name, isHeld: kind.format.holds(codec))
            known += 1
        }
        let frames = counters.video + counters.audio
        fit.isSettled = known == (tracks == .all ? 2 : 1) || frames >= Stream.framesToSettle
        fit.news = (fit.leftOut + dataLeftOut(of: kind)).filter {
            toldLeftOut.insert("\(kind.format) \($0)").inserted
        }
        return fit
    }

    /// What the stream has beside sound and pictures, by name, if that has no place. Who sees and hears the rest is served.
    private func dataLeftOut(of kind: WireKind) -> [String] {
        guard kind.tracks == .all, !kind.holdsData else { return [] }
        return dataTracks
    }

    /// What the stream has beside sound and pictures, by name.
    public var dataTracks: [String] {
        configurations.dataTracks.compactMap { body in
            let body = body.span
            guard let message = DataMessage(body) else { return nil }
            return TSCodec(streamType: message.streamType, descriptors: body.extracting(message.descriptors)).name
        }
    }

    /// Frames that had no place in the containers that are made of the stream at present.
    public var unwritableFrames: UInt64 { channels.reduce(0) { $0 + ($1.muxer?.unwritableFrames ?? 0) } }
}

extension WireKind.Format {
    func holds(_ codec: VideoCodec) -> Bool {
        switch self {
        case .ts: TSMuxer.holds(codec)
        case .mp4, .webSocketMP4: Movie.holds(codec)
        case .flv, .webSocketFLV, .rtmp, .relay: true
        }
    }

    func holds(_ codec: AudioCodec) -> Bool {
        switch self {
        case .ts: TSMuxer.holds(codec)
        case .mp4, .webSocketMP4: Movie.holds(codec)
        case .flv, .webSocketFLV, .rtmp, .relay: true
        }
    }
}
