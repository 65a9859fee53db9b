/// What an SRT caller wants, read from its stream id: the standard form of the SRT access control guidelines
/// (`#!::r=live/name,m=publish,u=…`), and the short forms that encoders send.
///
/// Short forms: `live/name`, `name`, each with `?key=value&…`; `publish:live/name` and `read:live/name`, each with
/// `:user:password` and a query behind another colon (MediaMTX); `publish/live/name` and `play/live/name`
/// (srt-live-server in the field); `uplive.sls.com/live/name` (srt-live-server's own example); `srt://host/live/name`
/// (OvenMediaEngine); `h=host/live/name` without `r=` in the standard form (SRS).
///
/// Invariants: the id had at most 512 bytes of UTF-8 without control characters; `app` and `name` are not empty and
/// hold no slash.
public struct StreamID: Sendable, Equatable {
    public enum Mode: Sendable, Equatable {
        case publish
        case request
        case bidirectional
    }

    public var app: String
    public var name: String
    public var mode: Mode
    /// Whether the caller said so; otherwise `mode` is the default.
    public var statesMode: Bool
    public var user: String?
    /// `s=`, a session or a password; or the password of `publish:live/name:user:password`.
    public var session: String?
    public var host: String?
    /// Everything else that was said, by key: what stands behind the name's question mark, and unknown keys.
    public var parameters: [String: String]
    /// The same as it would stand behind the question mark of a name in RTMP (`priority=2&token=x`), in the order in
    /// which it came.
    public var query: String

    /// Bytes of the longest stream id that SRT carries.
    public static let limit = 512

    /// Without a mode it is a request, as the guidelines say, unless the caller of this knows better.
    public init(
        parsing text: String, defaultApp: String, defaultMode: Mode = .request
    ) throws(StreamIDError) {
        var text = text
        guard text.utf8.count <= StreamID.limit else { throw .tooLong(text.utf8.count) }
        text.makeContiguousUTF8()
        for byte in text.utf8 where byte < 0x20 || byte == 0x7F { throw .controlCharacter(byte) }
        var found = Findings()
        try found.read(text[...].unicodeScalars)
        guard let path = found.path else { throw .noName }
        let (app, name) = try Findings.split(path)
        self.app = app.map { String($0) } ?? defaultApp
        self.name = String(name)
        mode = found.mode ?? defaultMode
        statesMode = found.mode != nil
        user = found.user
        session = found.session
        host = found.host
        parameters = Dictionary(found.others.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        query = found.others.map { $0.value.isEmpty ? $0.key : "\($0.key)=\($0.value)" }.joined(separator: "&")
    }

    public init(
        parsing bytes: Span<UInt8>, defaultApp: String, defaultMode: Mode = .request
    ) throws(StreamIDError) {
        guard bytes.count <= StreamID.limit else { throw .tooLong(bytes.count) }
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in bytes.indices { copy.append(bytes[index]) }
        guard let text = String(validating: copy, as: UTF8.self) else { throw .notUTF8 }
        try self.init(parsing: text, defaultApp: defaultApp, defaultMode: defaultMode)
    }
}
