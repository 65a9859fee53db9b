/// What one HTTP client may ask of the parser's memory; each breach has its own status code.
public struct HTTPLimits: Sendable, Equatable {
    /// Bytes of request line and headers together, the closing empty line included. Breach: 431.
    public var maxHeaderBytes = 16 * 1024
    /// Header fields of one request. Breach: 431.
    public var maxHeaders = 100
    /// Bytes of the request target as sent. Breach: 414.
    public var maxTarget = 8 * 1024
    /// Bytes of a request body after any chunking is undone; the API's largest request is far below. Breach: 413.
    public var maxBody = 64 * 1024
    /// Bytes that may wait unparsed behind the request being answered (pipelining). Breach: 413.
    public var maxBuffered = 256 * 1024

    /// Bytes of the method and of the version on the request line, blanks included: the longest registered method,
    /// `UPDATEREDIRECTREF`, has 17.
    static let requestLineOverhead = 48
    /// Bytes of a method name.
    static let maxMethod = 32
    /// Bytes of one chunk-size line with its extensions, or of one trailer line.
    static let maxChunkLine = 256
    /// Bytes of all trailer lines together.
    static let maxTrailerBytes = 4 * 1024
    /// Bytes of buffer that a connection may keep between requests.
    static let keptCapacity = 4 * 1024

    public init() {}
}
