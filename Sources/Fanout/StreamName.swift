/// The name of a stream: an application and a name in it.
public struct StreamName: Hashable, Sendable, CustomStringConvertible {
    public let app: String
    public let name: String

    /// Longest application or stream name, in bytes: it is repeated in logs, metrics and URLs.
    public static let maxLength = 256

    /// Nil for names that are empty, too long, or hold what no URL or log should: control characters.
    public init?(app: String, name: String) {
        for part in [app, name] {
            guard !part.isEmpty, part.utf8.count <= StreamName.maxLength,
                !part.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
            else { return nil }
        }
        self.app = app
        self.name = name
    }

    public var description: String { "\(app)/\(name)" }
}
