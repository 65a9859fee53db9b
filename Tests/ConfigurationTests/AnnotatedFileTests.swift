/// Holds `conf/sluice.yaml`, which the operator reads, to the table of keys, which the server obeys.
import Testing

@testable import Configuration

@Suite("The annotated file")
struct AnnotatedFileTests {
    static let path =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/") + "/conf/sluice.yaml"

    /// A key of the file: its full name, the value, and the words above it.
    struct Entry {
        var path: String
        var value: String
        var comment: [String]
    }

    static func entries() throws -> [Entry] {
        let text = String(decoding: try Settings.contents(of: path), as: UTF8.self)
        var entries: [Entry] = []
        var section = ""
        var comment: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.drop { $0 == " " }
            if words.hasPrefix("#") {
                comment.append(String(words.dropFirst().drop { $0 == " " }))
                continue
            }
            if let colon = words.firstIndex(of: ":") {
                let name = String(words[..<colon])
                let value = words[words.index(after: colon)...].drop { $0 == " " }
                if value.isEmpty {
                    section = name + "."
                } else {
                    let path = line.hasPrefix(" ") ? section + name : name
                    entries.append(Entry(path: path, value: String(value), comment: comment))
                }
            }
            comment = []
        }
        return entries
    }

    @Test("is the default, whole")
    func isTheDefault() throws {
        #expect(try Settings.load(file: Self.path, overrides: []) == Settings())
    }

    @Test("holds every key, once, in the order of the table, and no other")
    func holdsEveryKey() throws {
        #expect(try Self.entries().map(\.path) == Key.all.map(\.path))
    }

    @Test("explains every key, and says its true default")
    func saysDefaults() throws {
        for entry in try Self.entries() {
            let key = Key.all[try #require(Key.byPath[entry.path])]
            let last = try #require(entry.comment.last)
            #expect(last == "Default: \(entry.value)", "\(entry.path)")
            #expect(entry.comment.dropLast().joined().count > 20, "\(entry.path) has no explanation")
            var settings = Settings()
            try key.set(&settings, [entry.value.filter { $0 != "\"" }])
            #expect(key.show(settings) == key.show(Settings()), "\(entry.path)")
        }
    }

    @Test("keeps to 120 columns")
    func isNarrow() throws {
        let text = String(decoding: try Settings.contents(of: Self.path), as: UTF8.self)
        for line in text.split(separator: "\n") { #expect(line.count <= 120) }
    }
}
