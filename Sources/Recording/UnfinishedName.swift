/// How a file is called while it is written: its own name with a mark before the extension, so that players open it
/// already, and so that it is found after a crash. Beside it lies a note with what the index will say of it.
///
/// A pure mapping between paths: `show/0001.mp4` ⇄ `show/0001.recording.mp4`, note `show/0001.recording.json`.
enum UnfinishedName {
    static let mark = ".recording"
    static let noteExtension = "json"

    /// `suffix` tells apart what would have the same name: `show/0001-2.mp4`.
    static func finished(_ path: String, suffix: Int) -> String {
        guard suffix > 1 else { return path }
        let (stem, ext) = split(path)
        return stem + "-" + String(suffix) + "." + ext
    }

    static func unfinished(_ path: String) -> String {
        let (stem, ext) = split(path)
        return stem + mark + "." + ext
    }

    /// Of an unfinished file.
    static func note(_ unfinished: String) -> String { split(unfinished).stem + "." + noteExtension }

    /// What an unfinished file is to be called, and its format; nil for every other file.
    static func recovered(_ unfinished: String) -> (path: String, format: RecordingFormat)? {
        let (stem, ext) = split(unfinished)
        guard stem.hasSuffix(mark), let format = RecordingFormat(fileExtension: ext) else { return nil }
        let own = stem.dropLast(mark.count)
        guard !own.isEmpty, !own.hasSuffix("/") else { return nil }
        return (own + "." + ext, format)
    }

    /// The name is one of our own: it has an extension.
    private static func split(_ path: String) -> (stem: String, ext: String) {
        guard let dot = path.lastIndex(of: ".") else { return (path, "") }
        return (String(path[..<dot]), String(path[path.index(after: dot)...]))
    }
}
