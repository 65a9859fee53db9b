/// The index of one folder on the disk: `index.jsonl`, a line for each finished file, oldest first.
///
/// Crash-safe: lines are appended and synced whole; a line that is torn, by a crash or a full disk, is ignored, and gone
/// with the next rewriting, which replaces the file all at once. Lines of other applications are kept as they are.
enum LibraryIndex {
    static let name = "index.jsonl"
    /// What a crash in the middle of a rewriting leaves.
    static let freshName = name + ".new"
    /// Bytes of an index that are looked at: some 700,000 files.
    static let maxBytes = 256 << 20

    static func path(_ home: String) -> String { home + "/" + name }

    /// Whole lines in order, and whether there was anything else.
    static func load(_ disk: any Disk, _ home: String) throws(DiskError) -> (entries: [IndexEntry], isClean: Bool) {
        let bytes: [UInt8]
        do {
            bytes = try disk.read(path(home), limit: maxBytes)
        } catch {
            guard error.isMissing else { throw error }
            return ([], true)
        }
        return parse(bytes)
    }

    static func parse(_ bytes: [UInt8]) -> (entries: [IndexEntry], isClean: Bool) {
        var entries: [IndexEntry] = []
        // A last line without an end was torn, even if it reads well: what follows would be glued to it.
        var isClean = bytes.isEmpty || bytes.last == 0x0A
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: true) {
            if let entry = IndexEntry(line: line) { entries.append(entry) } else { isClean = false }
        }
        return (entries, isClean)
    }

    static func append(_ disk: any Disk, _ home: String, _ entry: IndexEntry, afterTorn: Bool) throws(DiskError) {
        try disk.append(Array(((afterTorn ? "\n" : "") + entry.line + "\n").utf8), to: path(home))
    }

    static func rewrite(_ disk: any Disk, _ home: String, _ entries: [IndexEntry]) throws(DiskError) {
        let text = entries.map { $0.line + "\n" }.joined()
        try disk.replace(path(home), with: Array(text.utf8))
    }
}
