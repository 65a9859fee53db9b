/// Which stream: an application and a name in it, as nodes write it to one another.
///
/// Invariant: both parts have 1 to `RelayLimits.streamNamePart` bytes and no control characters.
public struct RelayStreamName: Hashable, Sendable, CustomStringConvertible {
    public let app: String
    public let name: String

    public init?(app: String, name: String) {
        for part in [app, name] {
            guard !part.isEmpty, part.utf8.count <= RelayLimits.streamNamePart,
                part.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
            else { return nil }
        }
        self.app = app
        self.name = name
    }

    public var description: String { "\(app)/\(name)" }
}
