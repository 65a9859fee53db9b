/// Where a stream goes that is published to an RTMP server: `rtmp://host/app/key`, `rtmps://host:443/app/key?token=1`.
///
/// The application is everything between the host and the last slash, the stream's name what follows, with its query.
public struct RTMPAddress: Sendable, Hashable {
    /// Over TLS for `rtmps://`.
    public let remote: Remote
    /// As sent; `{app}` and `{stream}` stand for the names of the stream in question, here and in `stream`.
    public let app: String
    /// Often a secret.
    public let stream: String

    /// Bytes of application and stream together, as servers take them.
    static let longestPath = 2_048
    private static let port = 1_935
    private static let sealedPort = 443
    private static let advice = "write rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY"

    /// Messages do not repeat the address: there are secrets in it.
    init(_ text: String) throws(ValueFault) {
        let isSealed = text.hasPrefix("rtmps://")
        guard isSealed || text.hasPrefix("rtmp://") else {
            throw ValueFault("this is no RTMP address", RTMPAddress.advice)
        }
        let rest = text.dropFirst(isSealed ? "rtmps://".count : "rtmp://".count)
        let authority = rest.prefix { $0 != "/" }
        guard !authority.contains("@") else {
            throw ValueFault(
                "a user name and a password stand before the host", "RTMP has no common way for them; give a stream key"
            )
        }
        guard let remote = RTMPAddress.remote(authority, isSealed) else {
            throw ValueFault("the host or the port is not usable", RTMPAddress.advice)
        }
        self.remote = remote
        let path = rest.dropFirst(authority.count + 1)
        guard path.utf8.count <= RTMPAddress.longestPath, path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw ValueFault(
                "the path is longer than \(RTMPAddress.longestPath) bytes or has spaces in it", "shorten it")
        }
        guard let cut = RTMPAddress.cut(path), cut != path.startIndex, path.index(after: cut) != path.endIndex else {
            throw ValueFault("no application and stream stand behind the host", RTMPAddress.advice)
        }
        app = String(path[..<cut])
        stream = String(path[path.index(after: cut)...])
    }

    private static func remote(_ authority: Substring, _ isSealed: Bool) -> Remote? {
        let host =
            authority.hasSuffix("]") || !authority.contains(":")
            ? "\(authority):\(isSealed ? sealedPort : port)" : "\(authority)"
        guard !authority.isEmpty else { return nil }
        return Remote((isSealed ? "tls://" : "") + host)
    }

    /// The slash between application and stream: the last one in front of a query. Where that leaves no application, as
    /// in `app?token=1/key`, the query is the application's, and the last slash of all it is.
    private static func cut(_ path: Substring) -> Substring.Index? {
        let mark = path.firstIndex(of: "?") ?? path.endIndex
        return path[..<mark].lastIndex(of: "/") ?? path.lastIndex(of: "/")
    }

    /// What a client says that it connects to.
    public func connectURL(app: String, stream: String) -> String {
        "\(scheme)://\(authority)/\(self.app.filled(app: app, stream: stream))"
    }

    private var scheme: String { remote.transport == .tls ? "rtmps" : "rtmp" }

    /// The port only where it is not the usual one: servers compare what they are called with what they are.
    private var authority: String {
        let usual = remote.transport == .tls ? RTMPAddress.sealedPort : RTMPAddress.port
        let host = remote.host.utf8.contains(UInt8(ascii: ":")) ? "[\(remote.host)]" : remote.host
        return remote.port == usual ? host : "\(host):\(remote.port)"
    }

    var text: String { "\(scheme)://\(authority)/\(app)/\(stream)" }

    var masked: String {
        let app = PushAddress.maskedQuery(app)
        let name = stream.prefix { $0 != "?" }
        let key = PushAddress.isOpen(String(name), besides: []) ? String(name) : PushAddress.mask
        return "\(scheme)://\(authority)/\(app)/\(key)" + (name.count < stream.count ? "?" + PushAddress.mask : "")
    }
}
