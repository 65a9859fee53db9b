/// The name of a stream: an application and a name in it.
public struct StreamName: Hashable, Sendable, CustomStringConvertible {
    public let app: String
    public let name: String

    /// Longest application or stream name, in bytes: it is repeated in logs, metrics and URLs.
    public static let maxLength = 256

    /// Nil for names that are empty, too long, or hold what no URL or log should: control characters.
    public init?(app: String, name: String) {
        guard StreamName.isName(app), StreamName.isName(name) else { return nil }
        self.app = app
        self.name = name
    }

    private static func isName(_ part: String) -> Bool {
        // Bytes of other characters than these are all above them.
        !part.isEmpty && part.utf8.count <= maxLength && !part.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }

    public var description: String { "\(app)/\(name)" }
}
