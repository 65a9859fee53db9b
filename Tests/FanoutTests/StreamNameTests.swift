import Fanout
import Testing

@Suite("Names of streams") struct StreamNameTests {
    private func bytes(_ text: String) -> ArraySlice<UInt8> { Array("/\(text)".utf8).dropFirst() }

    @Test("a path names a stream by what is behind its last slash", arguments: ["live/a", "a/b/c", "é/中"])
    func paths(path: String) throws {
        let name = try #require(StreamName(path: bytes(path)))
        #expect("\(name)" == path && !name.name.contains("/"))
        #expect(name.isNamed(by: bytes(path)))
        for other in ["", "/", path + "x", path + "/", "x" + path, String(path.dropLast()), "live/b", "b/a/c"] {
            #expect(!name.isNamed(by: bytes(other)), "\(other)")
        }
    }

    @Test("an application with a slash is not a stream of its first part")
    func slashes() throws {
        let name = try #require(StreamName(app: "a", name: "b/c"))
        #expect(StreamName(path: bytes("a/b/c"))?.app == "a/b")
        #expect(name.isNamed(by: bytes("a/b/c")), "such a name comes from elsewhere, and has no path of its own")
    }

    @Test("a path without a name or an application names none", arguments: ["", "a", "/a", "a/", "/"])
    func noPaths(path: String) { #expect(StreamName(path: bytes(path)) == nil) }
}
