/// Reads the method and the target of an API request into a route.
///
/// Pure and total: any method and any path give a route. Segments are percent-decoded one by one, so a `%2F` in a name
/// stays in that name; an escape that is broken, or is not UTF-8, is not found. HEAD is answered like GET; leaving the
/// body out is the HTTP layer's part.
public enum AdminRequest {
    public static func parse(method: String, path: String) -> AdminRoute {
        let (location, query) = split(path)
        guard location.hasPrefix("/"), let segments = decode(location) else { return .notFound }
        switch segments.first {
        case "metrics" where segments.count == 1: return reading(method, .metrics)
        case "healthz" where segments.count == 1: return reading(method, .health)
        case "readyz" where segments.count == 1: return reading(method, .ready)
        case "api" where segments.count >= 3 && segments[1] == "v1":
            return resource(method, segments[2], Array(segments[3...]), query)
        default: return .notFound
        }
    }

    /// Whether `?pretty` is in the query: JSON for people.
    public static func wantsPretty(path: String) -> Bool {
        value(of: "pretty", in: split(path).query).map { $0 != "0" && $0 != "false" } ?? false
    }

    // MARK: Resources

    private static func resource(_ method: String, _ kind: String, _ rest: [String], _ query: Substring) -> AdminRoute {
        switch (kind, rest.count) {
        case ("node", 0): return reading(method, .node)
        case ("links", 0): return reading(method, .links)
        case ("streams", 0): return reading(method, .streams)
        case ("sessions", 0): return reading(method, .sessions(stream: value(of: "stream", in: query)))
        case ("sessions", 1): return reading(method, .session(id: rest[0]), orDelete: .kickSession(id: rest[0]))
        case ("pushes", 0): return reading(method, .pushes)
        case ("streams", 3...) where rest[rest.count - 1] == "pushes": return pushes(method, Array(rest.dropLast()))
        case ("streams", 4...) where rest[rest.count - 2] == "pushes": return push(method, rest)
        case ("streams", 3...) where rest[rest.count - 1] == "recording":
            let (app, name) = stream(Array(rest.dropLast()))
            return reading(
                method, .recording(app: app, name: name), orDelete: .stopRecording(app: app, name: name),
                orPost: .startRecording(app: app, name: name))
        case ("streams", 3...) where rest[rest.count - 1] == "rewind":
            let (app, name) = stream(Array(rest.dropLast()))
            return reading(method, .window(app: app, name: name))
        case ("recordings", 2...):
            let (app, name) = stream(rest)
            return reading(method, .recordings(app: app, name: name))
        case ("streams", 2...):
            let (app, name) = stream(rest)
            return reading(method, .stream(app: app, name: name), orDelete: .kickStream(app: app, name: name))
        default: return .notFound
        }
    }

    /// RTMP applications may hold slashes (`live/room1`): the last segment is the stream, the rest is the app.
    private static func stream(_ segments: [String]) -> (app: String, name: String) {
        (segments.dropLast().joined(separator: "/"), segments[segments.count - 1])
    }

    /// A stream that is itself called `pushes`, of an application with a slash, is named with that slash as `%2F`.
    private static func pushes(_ method: String, _ segments: [String]) -> AdminRoute {
        let (app, name) = stream(segments)
        switch method {
        case "GET", "HEAD": return .streamPushes(app: app, name: name)
        case "POST": return .addPush(app: app, name: name)
        default: return .methodNotAllowed(allow: "GET, HEAD, POST")
        }
    }

    private static func push(_ method: String, _ segments: [String]) -> AdminRoute {
        let (app, name) = stream(Array(segments.dropLast(2)))
        let id = segments[segments.count - 1]
        return reading(method, .push(app: app, name: name, id: id), orDelete: .stopPush(app: app, name: name, id: id))
    }

    private static func reading(
        _ method: String, _ get: AdminRoute, orDelete delete: AdminRoute? = nil, orPost post: AdminRoute? = nil
    ) -> AdminRoute {
        let allowed = "GET, HEAD" + (delete == nil ? "" : ", DELETE") + (post == nil ? "" : ", POST")
        let refusal = AdminRoute.methodNotAllowed(allow: allowed)
        switch method {
        case "GET", "HEAD": return get
        case "DELETE": return delete ?? refusal
        case "POST": return post ?? refusal
        default: return refusal
        }
    }

    // MARK: Targets (RFC 3986)

    private static func split(_ path: String) -> (location: Substring, query: Substring) {
        let target = path.prefix { $0 != "#" }
        guard let mark = target.firstIndex(of: "?") else { return (target, "") }
        return (target[..<mark], target[target.index(after: mark)...])
    }

    /// The decoded segments; absent when one is broken or empty. One slash at the end is forgiven.
    private static func decode(_ location: Substring) -> [String]? {
        var parts = location.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if parts.last == "" { parts.removeLast() }
        var segments: [String] = []
        for part in parts {
            guard let segment = percentDecoded(part), !segment.isEmpty else { return nil }
            segments.append(segment)
        }
        return segments
    }

    /// The first value of `key`; an empty string for a bare key.
    private static func value(of key: String, in query: Substring) -> String? {
        for pair in query.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if halves[0] == key { return halves.count == 2 ? percentDecoded(halves[1]) : "" }
        }
        return nil
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var input = text.utf8.makeIterator()
        while let byte = input.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = input.next().flatMap(digit), let low = input.next().flatMap(digit) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): return byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): return byte - UInt8(ascii: "A") + 10
        default: return nil
        }
    }
}
