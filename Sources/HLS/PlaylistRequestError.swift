/// Why a playlist request is answered with 400: the answer's text, the counter and the log line in one value. None of
/// the client's bytes are in it.
public enum PlaylistRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Directive: String, Hashable, Sendable {
        case msn = "_HLS_msn"
        case part = "_HLS_part"
        case skip = "_HLS_skip"
    }

    case tooLong
    case repeated(Directive)
    case notANumber(Directive)
    case tooLarge(Directive)
    case unknownSkip
    /// `_HLS_part` says nothing without `_HLS_msn`.
    case partWithoutNumber
    /// More than two segments ahead of `last`.
    case tooFarAhead(last: UInt32)
    /// More parts ahead than there are in three seconds.
    case partTooFarAhead(last: LivePosition, limit: UInt32)

    /// A stable slug, for a metric.
    public var reason: String {
        switch self {
        case .tooLong: "hls_query_too_long"
        case .repeated: "hls_directive_repeated"
        case .notANumber, .tooLarge: "hls_bad_number"
        case .unknownSkip: "hls_bad_skip"
        case .partWithoutNumber: "hls_part_without_msn"
        case .tooFarAhead: "hls_msn_too_far_ahead"
        case .partTooFarAhead: "hls_part_too_far_ahead"
        }
    }

    public var description: String {
        switch self {
        case .tooLong: "the query is longer than \(PlaylistRequest.longestQuery) bytes; send the directives alone"
        case .repeated(let directive): "\(directive.rawValue) is there more than once; send it once"
        case .notANumber(let directive): "\(directive.rawValue) is not a decimal number; send digits alone"
        case .tooLarge(let directive): "\(directive.rawValue) is larger than any number of a segment or part"
        case .unknownSkip: "_HLS_skip is neither YES nor v2; leave it out for the whole playlist"
        case .partWithoutNumber: "_HLS_part is there without _HLS_msn; send the segment's number with it"
        case .tooFarAhead(let last):
            "_HLS_msn is more than 2 ahead of segment \(last), the last in the playlist; reload the playlist first"
        case .partTooFarAhead(let last, let limit):
            "_HLS_part is more than \(limit) ahead of part \(last.part) of segment \(last.number), the last in the "
                + "playlist; reload the playlist first"
        }
    }
}
