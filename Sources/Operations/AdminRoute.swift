/// What a request to the API listener asks for.
public enum AdminRoute: Sendable, Equatable {
    case streams
    case stream(app: String, name: String)
    /// All sessions, or those of one stream, given as `app/name`.
    case sessions(stream: String?)
    case session(id: String)
    case node
    case links
    /// Every push of the node.
    case pushes
    case streamPushes(app: String, name: String)
    case push(app: String, name: String, id: String)
    case addPush(app: String, name: String)
    case stopPush(app: String, name: String, id: String)
    case recording(app: String, name: String)
    case startRecording(app: String, name: String)
    case stopRecording(app: String, name: String)
    /// Finished files.
    case recordings(app: String, name: String)
    /// What is kept of a stream for rewinding, whether it is live or not.
    case window(app: String, name: String)
    case kickStream(app: String, name: String)
    case kickSession(id: String)
    case metrics
    case health
    case ready
    case notFound
    /// The path exists, the method does not; `allow` is the value of the `Allow` header (RFC 9110 §10.2.1).
    case methodNotAllowed(allow: String)
}
