//! The URL of a stream, or of K streams that share a prefix.

/// How a viewer asks for a stream.
enum Transport: String {
    case rtmp = "rtmp"
    case http = "http-flv"
    case webSocket = "ws-flv"
    case srt = "srt"
}

/// `rtmp://host:port/app/prefix`, `http://host:port/app/prefix[.flv]`, `ws://…` or `srt://…`, with an optional query
/// string. Over SRT the path may be left out: a peer that takes one stream wants no stream id.
struct Target {
    let transport: Transport
    let host: String
    let port: UInt16
    let app: String
    let prefix: String
    let query: String

    init(_ url: String) throws(Failure) {
        guard let scheme = url.firstRange(of: "://") else {
            throw Failure("\(url): write it as rtmp://host:port/app/name, http://…, ws://… or srt://…")
        }
        switch url[..<scheme.lowerBound] {
        case "rtmp": transport = .rtmp
        case "http": transport = .http
        case "ws": transport = .webSocket
        case "srt": transport = .srt
        default: throw Failure("\(url): only rtmp, http, ws and srt are known")
        }
        let rest = url[scheme.upperBound...]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        (host, port) = try Target.hostAndPort(rest[..<slash], standard: Target.standardPort(transport))
        let path = rest[slash...].dropFirst()
        let question = path.firstIndex(of: "?") ?? path.endIndex
        query = String(path[question...])
        if transport == .srt, question == path.startIndex {
            (app, prefix) = ("", "")
            return
        }
        guard let last = path[..<question].lastIndex(of: "/") else {
            throw Failure("\(url): the path must be /app/name")
        }
        app = String(path[..<last])
        let name = path[..<question][path.index(after: last)...]
        prefix = String(name.hasSuffix(".flv") ? name.dropLast(4) : name)
    }

    private static func standardPort(_ transport: Transport) -> UInt16 {
        switch transport {
        case .rtmp: 1935
        case .srt: 9710
        case .http, .webSocket: 80
        }
    }

    /// Splits `host:port` and `[v6]:port`.
    static func hostAndPort(_ text: Substring, standard: UInt16) throws(Failure) -> (String, UInt16) {
        let colon = text.lastIndex(of: ":").flatMap { text[$0...].contains("]") ? nil : $0 }
        let host = text[..<(colon ?? text.endIndex)].drop { $0 == "[" }.prefix { $0 != "]" }
        guard let colon else { return (String(host), standard) }
        guard let port = UInt16(text[text.index(after: colon)...]) else {
            throw Failure("\(text): the port must be a number up to 65535")
        }
        return (String(host), port)
    }

    /// The name of stream `index` of `count`: the prefix itself when there is one alone.
    func name(_ index: Int, of count: Int) -> String { count == 1 ? prefix : "\(prefix)\(index)" }

    var rtmpAddress: String { "rtmp://\(host):\(port)/\(app)" }

    /// SRT's stream id in the standard form (SRT Access Control, §"General Syntax"); the query's pairs become keys.
    func streamID(_ index: Int, of count: Int, mode: String) -> String? {
        if prefix.isEmpty { return nil }
        let keys = query.dropFirst().split(separator: "&").map { ",\($0)" }.joined()
        return "#!::r=\(app)/\(name(index, of: count)),m=\(mode)\(keys)"
    }

    func httpRequest(_ index: Int, of count: Int) -> [UInt8] {
        var head = "GET /\(app)/\(name(index, of: count)).flv\(query) HTTP/1.1\r\nHost: \(host):\(port)\r\n"
        head += "User-Agent: sluice-loadgen\r\n"
        if transport == .webSocket {
            head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            head += "Sec-WebSocket-Key: c2x1aWNlLWxvYWRnZW4hIQ==\r\n"
        }
        return Array((head + "\r\n").utf8)
    }
}

extension StringProtocol {
    /// The first place of `needle`; the standard library's own search needs a newer runtime on some systems.
    func firstRange(of needle: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) { return start..<index(start, offsetBy: needle.count) }
            start = index(after: start)
        }
        return nil
    }
}
