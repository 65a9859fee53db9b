/// Which of a stream's tracks a transport stream has a place for, as far as is known of them: for the answer to those who
/// ask for one. Of a multitrack stream the first track of each kind counts.
import MPEGTS
import Media

public struct TransportFit: Sendable, Equatable {
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

    public func transportFit(_ tracks: WireKind.Tracks) -> TransportFit {
        var fit = TransportFit()
        var known = 0
        if tracks.contains(.video), let codec = description.video?.codec {
            fit.add(codec.name, isHeld: TSMuxer.holds(codec))
            known += 1
        }
        if tracks.contains(.audio), let codec = description.audio?.codec {
            fit.add(codec.name, isHeld: TSMuxer.holds(codec))
            known += 1
        }
        let frames = counters.video + counters.audio
        fit.isSettled = known == (tracks == .all ? 2 : 1) || frames >= Stream.framesToSettle
        fit.news = fit.leftOut.filter { toldLeftOut.insert($0).inserted }
        return fit
    }

    /// Frames that had no place in the transport streams made of this one at present.
    public var unwritableFrames: UInt64 { channels.reduce(0) { $0 + ($1.muxer?.unwritableFrames ?? 0) } }
}
