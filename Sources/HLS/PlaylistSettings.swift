/// What an application says about its media playlists. It does not change while a playlist lives.
public struct PlaylistSettings: Hashable, Sendable {
    public enum Form: Hashable, Sendable {
        /// MPEG transport stream segments, for the oldest of players.
        case transportStream
        case fragmentedMP4
        /// Fragmented MP4 with parts, preload hints and blocking reloads (RFC 8216bis appendix B.1).
        case lowLatency
    }

    public var form: Form
    public var rendition: Rendition
    /// Segments that a playlist holds at least, once it has held as many.
    public var minimumSegments: Int = 5
    /// Media that a playlist holds at least, in microseconds; never less than three target durations (§6.2.2).
    public var window: Int64 = 0
    /// `PART-TARGET` in microseconds: no part may be longer. Another session may raise it.
    public var partTarget: Int64 = 200_000
    /// `HOLD-BACK` in microseconds; never less than three target durations (§4.4.3.8).
    public var holdBack: Int64 = 0
    /// `PART-HOLD-BACK` in microseconds; never less than three parts, and not below three of the longest of any rendition
    /// (§4.4.3.8: SHOULD).
    public var partHoldBack: Int64 = 0
    /// `CAN-BLOCK-RELOAD`: requests may wait for what they ask for.
    public var canBlockReload: Bool
    /// `CAN-SKIP-UNTIL`: six target durations.
    public var offersDeltas: Bool

    /// Segments that a playlist keeps, listed and removed but still to be fetched: a day of the shortest.
    public static let mostSegments = 100_000

    public init(form: Form, rendition: Rendition = .main) {
        self.form = form
        self.rendition = rendition
        canBlockReload = form == .lowLatency
        offersDeltas = form == .lowLatency
    }

    var container: ResourceName.Container { form == .transportStream ? .transportStream : .fragmentedMP4 }
}
