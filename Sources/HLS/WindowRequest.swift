/// What of a stream's window somebody asks for, in the query of `rewind.m3u8` and `window.m3u8`: all of it, what came since
/// a time, or what came between two. Other parameters are left alone.
public struct WindowRequest: Hashable, Sendable {
    /// `from`, in seconds of Unix time: the playlist begins with the segment that holds it, and nothing leaves it.
    public var from: Int64?
    /// `to`: nothing that begins then or later.
    public var to: Int64?

    public init(from: Int64? = nil, to: Int64? = nil) {
        self.from = from
        self.to = to
    }

    /// `query`: what follows the question mark, not decoded; empty where there is none.
    public init(query: some StringProtocol) throws(WindowRequestError) {
        if query.isEmpty { return }
        let bytes = Array(query.utf8.prefix(PlaylistRequest.longestQuery + 1))
        guard bytes.count <= PlaylistRequest.longestQuery else { throw .tooLong }
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            let value = pair.dropFirst(name.count + 1)
            if name.elementsEqual("from".utf8) {
                from = try Self.time(value, in: .from, before: from)
            } else if name.elementsEqual("to".utf8) {
                to = try Self.time(value, in: .to, before: to)
            }
        }
        guard let to else { return }
        guard let from else { throw .endWithoutBeginning }
        guard from < to else { throw .backwards }
    }

    /// Times of so many digits, the year 5138 and beyond, are none of anybody's.
    private static let mostDigits = 11

    private static func time(
        _ value: ArraySlice<UInt8>, in parameter: WindowRequestError.Parameter, before: Int64?
    ) throws(WindowRequestError) -> Int64 {
        guard before == nil else { throw .repeated(parameter) }
        guard value.count <= mostDigits, let time = Digits.decimal(value) else { throw .notATime(parameter) }
        return Int64(time)
    }

    /// The same as a query, in one spelling; empty for all of the window.
    public var query: String {
        guard let from else { return "" }
        return to.map { "from=\(from)&to=\($0)" } ?? "from=\(from)"
    }
}

/// Why a request for a window is answered with 400. None of the client's bytes are in it.
public enum WindowRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Parameter: String, Hashable, Sendable { case from, to }

    case tooLong
    case repeated(Parameter)
    case notATime(Parameter)
    case endWithoutBeginning
    case backwards

    /// A stable slug, for a metric.
    public var reason: String {
        switch self {
        case .tooLong: "hls_query_too_long"
        case .repeated: "hls_time_repeated"
        case .notATime, .endWithoutBeginning, .backwards: "hls_bad_time"
        }
    }

    public var description: String {
        switch self {
        case .tooLong: "the query is longer than \(PlaylistRequest.longestQuery) bytes; send from and to alone"
        case .repeated(let parameter): "\(parameter.rawValue) is there more than once; send it once"
        case .notATime(let parameter):
            "\(parameter.rawValue) is not a time; send whole seconds since 1970, digits alone"
        case .endWithoutBeginning: "to is there without from; send the time to begin with, too"
        case .backwards: "from is not before to; send the earlier time as from"
        }
    }
}
