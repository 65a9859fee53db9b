/// What a request to record a stream asks for, in a body of JSON: `{"format": "ts"}`, or nothing at all.
public struct RecordingRequest: Sendable, Equatable {
    /// Nil is what the settings say.
    public var format: RecordingFormat?

    /// Bytes of a body: a hundred times what anybody writes.
    static let maxBytes = 4096

    public init(body: [UInt8]) throws(RecordingRequestError) {
        guard body.contains(where: { !" \t\r\n".utf8.contains($0) }) else { return }
        guard body.count <= RecordingRequest.maxBytes, let members = FlatJSON.members(body) else { throw .notAnObject }
        for (key, value) in members {
            guard key == "format" else { throw .unknown(key) }
            guard case .string(let name) = value, let format = RecordingFormat(rawValue: name) else { throw .format }
            self.format = format
        }
    }
}

public enum RecordingRequestError: Error, Equatable, CustomStringConvertible {
    case notAnObject
    case unknown(String)
    case format

    public var description: String {
        let formats = RecordingFormat.allCases.map(\.rawValue).joined(separator: ", ")
        return switch self {
        case .notAnObject: "the body is not a JSON object; send none, or one such as {\"format\": \"fmp4\"}"
        case .unknown(let key): "the body has a member “\(key)”, which is not known; there is format"
        case .format: "format is not known; it is one of \(formats)"
        }
    }
}
