/// The recorded files of one application below one folder: what retention looks at.
///
/// `@unchecked Sendable` is sound: after it has been handed to a writer, what changes is touched on the disk thread alone.
public final class RecordingLibrary: @unchecked Sendable {
    public let app: String
    /// The recording folder (`record.path`), without a slash at its end.
    public let root: String
    var limits: RetentionPlan.Limits

    /// A finished file. Compact: a library may have a hundred thousand.
    struct Stored: Equatable {
        var home: String
        var name: String
        var bytes: Int64
        var finished: Int64
    }

    /// By whole path.
    var files: [String: Stored] = [:]
    /// Folders whose index may end in the middle of a line.
    var torn: Set<String> = []

    public init(app: String, root: String, limits: RetentionPlan.Limits = .none) {
        self.app = app
        var root = root
        while root.count > 1 && root.hasSuffix("/") { root.removeLast() }
        self.root = root
        self.limits = limits
    }

    func store(_ entry: IndexEntry, home: String) {
        files[home + "/" + entry.file] = Stored(
            home: home, name: entry.file, bytes: entry.bytes, finished: entry.finished)
    }
}
