import Testing

@testable import Configuration

@Suite("A configuration is refused")
struct RefusalTests {
    @Test("with the file, the line, the key and what was meant")
    func unknownKey() {
        let yaml = "rtmp:\n  listen: ':1'\nplay:\n  wiat: 10s\n"
        #expect(problems(yaml) == ["a.yaml:4: play.wiat: unknown key; did you mean play.wait?"])
    }

    @Test("with all its problems at once, in the order of the file, then the overrides")
    func allAtOnce() {
        let yaml = "threads: many\nhtttp: {listen: ':1'}\nlog:\n  level: warn\n  level: info\n"
        #expect(
            problems(yaml, ["drain.timeout=5", "nonsense"]) == [
                #"a.yaml:1: threads: "many" is not a whole number; write a whole number from 0 to 1024"#,
                "a.yaml:2: htttp: unknown key; did you mean http?",
                #"a.yaml:4: log.level: "warn" is not known; write one of debug, info, warning, error"#,
                "a.yaml:5: log.level: given twice, first on line 4; delete one of them",
                #"--set drain.timeout: "5" has no unit; write one such as 500ms, 10s or 2m"#,
                "--set nonsense: has no value; write --set KEY=VALUE",
            ])
    }

    @Test(
        "when a recording could not be made as it says, in the words of the module that makes it",
        arguments: [
            (
                "record.pattern=../{stream}.{ext}",
                "“../{stream}.{ext}” leads out of record.path; remove the parts that are “.” or “..”"
            ),
            (
                "record.pattern=all.{ext}",
                "“all.{ext}” has no {stream}; add it, or all streams' files lie under the same names"
            ),
            ("record.duration=500ms", #""500ms" is too small; write a duration from 1s to 8760h, or 0"#),
            ("record.path=videos", #""videos" is not a whole path; give the path of a folder, from / on"#),
            (
                "record.pattern={app}/{stream}.flv",
                "“{app}/{stream}.flv” ends with .flv whatever record.format is; write .{ext} in its place"
            ),
            ("record.format=fmp4", "has no folder to record into; set record.path"),
        ])
    func recording(override: String, told: String) throws {
        let key = try #require(override.split(separator: "=").first)
        #expect(problems("", [override]) == ["--set \(key): \(told)"])
    }

    @Test("when what is said of a recording cannot be kept together, for all or for one application")
    func recordings() {
        let oneName =
            "record.pattern: gives all files of a stream one name, and record.size cuts many; "
            + "add {number}, or a field of time"
        #expect(problems("record:\n  pattern: '{stream}.{ext}'\n  size: 1MiB\n") == ["a.yaml:2: \(oneName)"])
        #expect(problems("", ["record.size=1MiB", "apps.live.record.pattern={stream}.{ext}"]) == ["--set \(oneName)"])
        #expect(
            problems("apps:\n  live/a: {record: {keep_bytes: 1MiB, size: 2MiB}}\n") == [
                "a.yaml:2: record.keep_bytes: is less than record.size: a file would be deleted as soon as it is finished; raise it, or lower record.size"
            ])
        #expect(
            problems("", ["apps.live.record.format=ts", "apps.live/b.record.path=/b"]) == [
                "--set record.format: has no folder to record into; set record.path"
            ])
        #expect(problems("", ["record.pattern={stream}.{ext}", "record.keep_bytes=1MiB", "record.size=0"]).isEmpty)
    }

    @Test(
        "when a key is unknown, with the nearest known one",
        arguments: [
            ("http.lisen=:1", "did you mean http.listen?"),
            ("http.idle-timeout=1s", "did you mean http.idle_timeout?"),
            ("play.stallTimeout=1s", "did you mean play.stall_timeout?"),
            ("linger=1s", "did you mean publish.linger?"),
            ("play.linger=1s", "did you mean publish.linger?"),
            (
                "listen=:1",
                "did you mean rtmp.listen or http.listen or srt.listen or api.listen or relay.listen or dispatch.listen?"
            ),
            ("log.colour=on", "log has format, level"),
            (
                "=1",
                "the sections are node, rtmp, http, srt, api, tls, publish, play, retention, hls, record, snapshot, rewind, relay, dispatch, limits, metrics, log, drain, apps"
            ),
        ])
    func advice(override: String, advice: String) {
        let found = problems("", [override])
        #expect(found.count == 1)
        #expect(found[0].hasSuffix("unknown key; \(advice)"), "\(found)")
    }

    @Test(
        "when a value is impossible",
        arguments: [
            ("threads=1025", #""1025" is too large; write a whole number from 0 to 1024"#),
            ("threads=-1", "is not a whole number"), ("threads=1.5", "is not a whole number"),
            ("threads=99999999999999999999", "is not a whole number"),
            ("threads=", "has no value"), ("threads=4s", "is not a whole number"),
            ("play.wait=10", #""10" has no unit"#), ("play.wait=1.5s", "ms, s, m, h"),
            ("play.wait=10sec", "ms, s, m, h"),
            ("play.wait=soon", "is not a duration; write one such as 500ms, 10s or 2m"),
            ("play.wait=-1s", "is not a duration"),
            ("play.wait=9223372036854775807h", "is too large; write a duration from 0 to 24h"),
            ("rtmp.handshake_timeout=0", "is too small; write a duration from 100ms to 10m"),
            ("retention.bytes=64MB", "B, KiB, MiB, GiB"), ("retention.bytes=1B", "write a size from 1MiB to 16GiB"),
            ("node.id=a b", "is not a name"), ("node.idc=", "has no value"),
            ("relay.parents=a.example", "write HOST:PORT"), ("relay.parents=a.example:0", "write HOST:PORT"),
            ("relay.parents=a:1,a:1", "lists a:1 twice"), ("relay.dead_after=10ms", "is too small"),
            ("http.listen=8080", #"write ":8080""#), ("http.listen=:65536", "a port from 0 to 65535"),
            ("http.listen=example.com:80", "is not an IP address"), ("http.listen=::1:80", "write [::1]:PORT"),
            ("http.listen=:1,", "has no port"), ("http.listen=:1,off", "write off alone"),
            ("http.listen=:1,:1", "twice"),
            ("http.listen=[::1:80", "is not an IP address"), ("http.listen=127.0.0.1\0:80", "is not an IP address"),
            ("publish.takeover=alwys", "did you mean always?"), ("publish.takeover=Same", "did you mean same?"),
            ("http=:8080", "is a section, not a value; set one of its keys, such as http.listen"),
        ])
    func impossible(override: String, words: String) {
        let found = problems("", [override])
        #expect(found.count == 1)
        #expect(found[0].contains(words), "\(found)")
    }

    @Test("when values cannot be together")
    func together() {
        #expect(
            problems("play:\n  flush_interval: 200ms\n") == [
                "a.yaml:2: play.flush_interval: is above play.flush_max, which is 100ms; "
                    + "lower play.flush_interval, or raise play.flush_max"
            ])
        #expect(
            problems("play:\n  flush_interval: 20ms\n", ["play.flush_max=10ms"]) == [
                "--set play.flush_max: is below play.flush_interval, which is 20ms; "
                    + "lower play.flush_interval, or raise play.flush_max"
            ])
        #expect(
            problems("http: {listen: ':1935'}") == [
                "a.yaml:1: http.listen: :1935 is also in rtmp.listen; give each its own port"
            ])
        #expect(problems("", ["http.listen=:0", "rtmp.listen=:0"]) == [])
        #expect(
            problems("http: {tls_listen: ':8443'}") == [
                "a.yaml:1: http.tls_listen: has no certificate to show; set tls.certificates and tls.keys"
            ])
        #expect(
            problems("tls: {certificates: [a.pem, b.pem], keys: a.key}") == [
                "a.yaml:1: tls.keys: there are 2 certificates and 1 keys; "
                    + "give each certificate its key, in the same order"
            ])
    }

    @Test(
        "when the shape is wrong",
        arguments: [
            (
                "rtmp: yes",
                "a.yaml:1: rtmp: is a section, not a value; put rtmp.listen or rtmp.tls_listen under it"
            ),
            ("rtmp: [1]", "a.yaml:1: rtmp: is a section"), ("threads: [1]", "threads: takes one value, not a list"),
            ("threads:\n  a: 1", "a.yaml:1: threads: takes a value, not keys of its own"),
            ("threads:", "threads: has no value"), ("rtmp: {listen: []}", "holds 0 addresses"),
            ("rtmp: {listen: [[a]]}", "lists something that is no address"),
            ("- a", "a.yaml:1: not a map of keys"), ("hello", "a.yaml:1: not a map of keys"),
            ("a: 1\n---\nb: 2", "a.yaml:2: a second document begins"), ("? [a]\n: b", "a key that is no plain word"),
            ("a: &x 1\nb: *x", "a.yaml:2: an alias"), ("rtmp:\n\tlisten: off", "a.yaml:2: not YAML"),
            ("a: 1\nb: \"", "not YAML"), ("a: 1\nb: \u{1}", "a.yaml:2: not UTF-8 text"),
        ])
    func shape(yaml: String, words: String) {
        let found = problems(yaml)
        #expect(found.contains { $0.contains(words) }, "\(found)")
    }

    @Test(
        "when a network is none",
        arguments: [
            ("10.0.0.0/33", "has no number of bits up to 32"), ("10.0.0.0/", "has no number of bits"),
            ("10.0.0/8", "is not an address"), ("here", "is not an address"), ("::1/129", "up to 128"),
        ])
    func networks(text: String, words: String) {
        let found = problems("", ["rtmp.proxies=\(text)"])
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    @Test("when it is too deep or too long to be one, without harm")
    func bombs() {
        #expect(problems(String(repeating: "[", count: 5_000))[0].contains("too deep"))
        #expect(problems(String(repeating: "{a: ", count: 5_000))[0].contains("too deep"))
        #expect(problems("a: [" + String(repeating: "1,", count: 100_000) + "]")[0].contains("too many values"))
    }

    @Test("on one short line a problem, whatever the text holds")
    func printableText() throws {
        let found = problems("", ["threads=a\nb\u{1B}[31m" + String(repeating: "x", count: 1_000)])
        let line = try #require(found.first)
        #expect(!line.contains("\n") && !line.contains("\u{1B}") && line.count < 200)
    }

    @Test("when the file cannot be read, with its name and the reason")
    func unreadable() {
        #expect {
            try Settings.load(file: "/nonexistent/sluice.yaml", overrides: [])
        } throws: { error in
            "\(error)" == "/nonexistent/sluice.yaml: cannot be read (No such file or directory); "
                + "give --config a file that this user may read"
        }
        #expect(throws: ConfigurationError.self) { try Settings.load(file: "/", overrides: []) }
        #expect(throws: ConfigurationError.self) { try Settings.load(file: "/dev/zero", overrides: []) }
    }

    @Test("or accepted, and never a trap, for any bytes")
    func anyBytes() {
        let seed = Array("rtmp:\n  listen: [\":1935\", '[::1]:2']\nplay: {wait: 10s}\nthreads: 0\n".utf8)
        var state: UInt64 = 7
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        for _ in 0..<5_000 {
            var yaml = seed
            for _ in 0...random(6) { yaml[random(yaml.count)] = UInt8(random(256)) }
            _ = try? Settings.parse(yaml: yaml, file: "a.yaml")
        }
    }
}
