/// The delivery directives in a playlist request's query (RFC 8216bis §6.2.5). Other parameters are left alone.
public struct PlaylistRequest: Hashable, Sendable {
    public enum Skip: Hashable, Sendable {
        case none
        /// `YES`: segments are skipped.
        case segments
        /// `v2`: date ranges too.
        case segmentsAndDateRanges
    }

    /// `_HLS_msn`: answer when the playlist holds this segment.
    public var number: UInt32?
    /// `_HLS_part`: or this part of it.
    public var part: UInt32?
    public var skip = Skip.none

    /// Bytes of a query that are looked at; a longer one is refused.
    public static let longestQuery = 4_096

    public init(number: UInt32? = nil, part: UInt32? = nil, skip: Skip = .none) {
        self.number = number
        self.part = part
        self.skip = skip
    }

    /// `query`: what follows the question mark, not decoded; empty where there is none.
    public init(query: String) throws(PlaylistRequestError) { try self.init(query: Array(query.utf8)[...]) }

    /// Of a query's bytes.
    public init(query: ArraySlice<UInt8>) throws(PlaylistRequestError) {
        guard query.count <= Self.longestQuery else { throw .tooLong }
        var rest = query
        while !rest.isEmpty {
            let pair = rest.prefix { $0 != UInt8(ascii: "&") }
            rest = rest.dropFirst(pair.count + 1)
            guard pair.starts(with: "_HLS_".utf8) else { continue }
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            let value = pair.dropFirst(name.count + 1)
            if name.elementsEqual("_HLS_msn".utf8) {
                number = try Self.number(value, in: .msn, before: number)
            } else if name.elementsEqual("_HLS_part".utf8) {
                part = try Self.number(value, in: .part, before: part)
            } else if name.elementsEqual("_HLS_skip".utf8) {
                guard skip == .none else { throw .repeated(.skip) }
                skip = try Self.skip(value)
            }
        }
    }

    private static func number(
        _ value: ArraySlice<UInt8>, in directive: PlaylistRequestError.Directive, before: UInt32?
    ) throws(PlaylistRequestError) -> UInt32 {
        guard before == nil else { throw .repeated(directive) }
        guard let number = Digits.decimal(value) else { throw .notANumber(directive) }
        guard let number = UInt32(exactly: number) else { throw .tooLarge(directive) }
        return number
    }

    private static func skip(_ value: ArraySlice<UInt8>) throws(PlaylistRequestError) -> Skip {
        if value.elementsEqual("YES".utf8) { return .segments }
        if value.elementsEqual("v2".utf8) { return .segmentsAndDateRanges }
        throw .unknownSkip
    }
}
