/// A media playlist as a client reads it: strict, and by its own means.
struct ParsedPlaylist {
    struct Part: Equatable {
        var uri: String
        var duration: Int64
        var isIndependent: Bool
    }

    struct Entry: Equatable {
        var number: UInt64 = 0
        var discontinuity: UInt64 = 0
        var uri = ""
        var duration: Int64 = 0
        var date: String?
        var map: String?
        var isGap = false
        var parts: [Part] = []

        /// What never changes while the segment is listed; parts come and go.
        var lasting: Entry {
            var copy = self
            copy.parts = []
            return copy
        }
    }

    struct Failure: Error, CustomStringConvertible { var description: String }

    var version = 0
    var target: Int64 = 0
    var sequence: UInt64 = 0
    var discontinuitySequence: UInt64 = 0
    var isIndependent = false
    var control: [String: String] = [:]
    var partTarget: Int64?
    var skipped = 0
    var entries: [Entry] = []
    /// The segment in the making; its uri is empty.
    var open = Entry()
    var hint: String?
    var mapHint: String?
    var reports: [[String: String]] = []
    var isEnded = false
    /// Of the segments, that in the making included.
    var discontinuities: ClosedRange<UInt64> {
        discontinuitySequence...max(discontinuitySequence, entries.last?.discontinuity ?? 0, open.discontinuity)
    }
    /// The number of the newest segment that there is anything of, and of its newest part.
    var newest: (number: UInt64, part: Int?) {
        guard open.parts.isEmpty else { return (open.number, open.parts.count - 1) }
        guard let last = entries.last else { return (sequence, nil) }
        return (last.number, last.parts.isEmpty ? nil : last.parts.count - 1)
    }
    private var seen: Set<String> = []

    init(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasSuffix("\n") else { throw Failure(description: "the last line does not end") }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        lines.removeLast()
        guard lines.first == "#EXTM3U" else { throw Failure(description: "no #EXTM3U") }
        for line in lines.dropFirst() { try take(String(line)) }
    }

    private mutating func take(_ line: String) throws {
        guard !line.isEmpty else { throw Failure(description: "an empty line") }
        guard line.hasPrefix("#") else { return try finish(line) }
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        let tag = String(line[..<colon])
        let value = colon < line.endIndex ? String(line[line.index(after: colon)...]) : ""
        if try head(tag, value) { return }
        switch tag {
        case "#EXT-X-DISCONTINUITY": open.discontinuity += 1
        case "#EXT-X-MAP": open.map = try Self.attributes(value)["URI"]
        case "#EXT-X-PROGRAM-DATE-TIME": open.date = value
        case "#EXT-X-GAP": open.isGap = true
        case "#EXTINF": open.duration = try Self.seconds(String(value.dropLast()))
        case "#EXT-X-PART":
            let attributes = try Self.attributes(value)
            open.parts.append(
                Part(
                    uri: attributes["URI"] ?? "", duration: try Self.seconds(attributes["DURATION"] ?? ""),
                    isIndependent: attributes["INDEPENDENT"] == "YES"))
        case "#EXT-X-PRELOAD-HINT":
            let attributes = try Self.attributes(value)
            if attributes["TYPE"] == "PART" {
                guard hint == nil else { throw Failure(description: "two hinted parts") }
                hint = attributes["URI"]
            } else {
                mapHint = attributes["URI"]
            }
        case "#EXT-X-RENDITION-REPORT": reports.append(try Self.attributes(value))
        case "#EXT-X-ENDLIST": isEnded = true
        default: throw Failure(description: "unknown tag \(tag)")
        }
    }

    private mutating func head(_ tag: String, _ value: String) throws -> Bool {
        switch tag {
        case "#EXT-X-VERSION": version = Int(value) ?? 0
        case "#EXT-X-TARGETDURATION": target = Int64(value) ?? 0
        case "#EXT-X-INDEPENDENT-SEGMENTS": isIndependent = true
        case "#EXT-X-SERVER-CONTROL": control = try Self.attributes(value)
        case "#EXT-X-PART-INF": partTarget = try Self.seconds(try Self.attributes(value)["PART-TARGET"] ?? "")
        case "#EXT-X-MEDIA-SEQUENCE": sequence = UInt64(value) ?? 0
        case "#EXT-X-DISCONTINUITY-SEQUENCE": discontinuitySequence = UInt64(value) ?? 0
        case "#EXT-X-SKIP": skipped = Int(try Self.attributes(value)["SKIPPED-SEGMENTS"] ?? "") ?? -1
        default: return false
        }
        guard seen.insert(tag).inserted else { throw Failure(description: "\(tag) twice") }
        guard entries.isEmpty, open.parts.isEmpty else { throw Failure(description: "\(tag) behind a segment") }
        open.number = sequence + UInt64(max(0, skipped))
        open.discontinuity = discontinuitySequence
        return true
    }

    private mutating func finish(_ uri: String) throws {
        guard open.duration > 0 else { throw Failure(description: "\(uri) without EXTINF") }
        open.uri = uri
        entries.append(open)
        open = Entry(number: open.number + 1, discontinuity: open.discontinuity, map: open.map)
    }

    static func seconds(_ text: String) throws -> Int64 {
        let halves = text.split(separator: ".")
        guard halves.count == 2, let whole = Int64(halves[0]), let rest = Int64(halves[1]), halves[1].count <= 6 else {
            throw Failure(description: "\(text) is no duration")
        }
        return whole * 1_000_000 + rest * [100_000, 10_000, 1_000, 100, 10, 1][halves[1].count - 1]
    }

    static func attributes(_ text: String) throws -> [String: String] {
        var found: [String: String] = [:]
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: "=") else { throw Failure(description: "\(text): no value") }
            let name = String(rest[..<equals])
            rest = rest[rest.index(after: equals)...]
            let value: String
            if rest.first == "\"" {
                rest = rest.dropFirst()
                guard let end = rest.firstIndex(of: "\"") else { throw Failure(description: "\(text): open quote") }
                value = String(rest[..<end])
                rest = rest[rest.index(after: end)...]
            } else {
                value = String(rest.prefix { $0 != "," })
                rest = rest.dropFirst(value.count)
            }
            guard found.updateValue(value, forKey: name) == nil else { throw Failure(description: "\(name) twice") }
            guard rest.isEmpty || rest.first == "," else { throw Failure(description: "\(text): no comma") }
            rest = rest.dropFirst()
        }
        return found
    }
}
