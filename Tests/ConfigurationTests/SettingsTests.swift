import Testing

@testable import Configuration

/// The settings of `yaml`, which a test wrote well.
func settings(_ yaml: String, _ overrides: [String] = []) throws(ConfigurationError) -> Settings {
    try Settings.parse(yaml: Array(yaml.utf8), file: "a.yaml", overrides: overrides)
}

/// The lines that refuse `yaml`; none when it was accepted.
func problems(_ yaml: String, _ overrides: [String] = []) -> [String] {
    do throws(ConfigurationError) {
        _ = try settings(yaml, overrides)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

@Suite("Settings")
struct SettingsTests {
    @Test(
        "of nothing are the defaults", arguments: ["", "\n", "# a comment\n", "---\n", "rtmp:\n  # listen: x\n", "{}"])
    func defaults(yaml: String) throws {
        #expect(try settings(yaml) == Settings())
    }

    @Test("take values from every section")
    func values() throws {
        let read = try settings(
            """
            threads: 2
            rtmp:
              listen: ["127.0.0.1:1", ":2"]
              max_message: 1MiB
            publish: {takeover: never, linger: 0}
            play:
              wait: 1500ms
              send_buffer: 64KiB
            log: {format: json, level: debug}
            """)
        #expect(read.threads == 2)
        #expect(read.rtmp.listen == [Endpoint(host: "127.0.0.1", port: 1), Endpoint(host: "::", port: 2)])
        #expect(read.rtmp.maxMessage == 1_048_576)
        #expect(read.publish.takeover == .never)
        #expect(read.publish.linger == 0)
        #expect(read.play.wait == 1_500)
        #expect(read.play.sendBuffer == 65_536)
        #expect(read.log.format == .json)
        #expect(read.log.level == .debug)
        #expect(read.http == Settings().http)
    }

    @Test("let an override win over the file, and the last override over the others")
    func overrides() throws {
        let read = try settings("http: {listen: ':1'}", ["http.listen=:2", "http.listen=127.0.0.1:18080"])
        #expect(read.http.listen == [Endpoint(host: "127.0.0.1", port: 18_080)])
    }

    @Test("take a list in an override between commas")
    func overrideList() throws {
        let read = try settings("", ["rtmp.listen=:1,[::1]:2, 10.0.0.1:3"])
        #expect(read.rtmp.listen.map(\.description) == [":1", "[::1]:2", "10.0.0.1:3"])
    }

    @Test("know which addresses a network holds")
    func networks() throws {
        let proxies = try settings("rtmp: {proxies: [10.1.0.0/15, 192.0.2.1, '2001:db8::/33', '::/0']}").rtmp.proxies
        func places(_ host: String) -> [Int] { proxies.indices.filter { proxies[$0].contains(host) } }
        #expect(places("10.1.2.3") == [0] && places("10.0.9.9") == [0] && places("10.2.0.0") == [])
        #expect(places("192.0.2.1") == [1] && places("192.0.2.2") == [] && places("nobody") == [])
        #expect(places("2001:db8:7fff::1") == [2, 3] && places("2001:db8:8000::1") == [3])
    }

    @Test("turn a listener off")
    func off() throws {
        #expect(try settings("rtmp: {listen: off}").rtmp.listen.isEmpty)
        #expect(try settings("", ["api.listen=off"]).api.listen.isEmpty)
    }

    @Test("list every key with a value that reads back to the same settings")
    func listingReadsBack() throws {
        let changed = try settings(
            "play: {wait: 1500ms, send_buffer: 5KiB}", ["rtmp.listen=off", "http.listen=:1,[::1]:2", "log.level=error"])
        for settings in [Settings(), changed] {
            let overrides = settings.listing.map { "\($0.key)=\($0.value)" }
            #expect(overrides.count == Key.all.count)
            #expect(try Settings.parse(yaml: [], file: "", overrides: overrides) == settings)
        }
    }

    @Test("change with every key of the table")
    func everyKeyHasAnEffect() throws {
        let other = [
            "threads": "3", "relay.redundancy": "2",
            "limits.cpu": "7", "limits.soft": "7", "limits.reserve": "7",
            "srt.key_length": "256", "srt.pull": "srt://a.example:77", "srt.push": "srt://a.example:77",
            "push": "rtmp://a.example/live/key",
            "hls.form": "ts", "record.format": "ts", "record.path": "/recorded", "record.pattern": "{stream}.{ext}",
            "snapshot.processes": "3", "rewind.path": "/window",
            "publish.takeover": "always", "log.format": "json", "log.level": "warning",
        ]
        for key in Key.all {
            let candidates =
                other[key.path].map { [$0] } ?? [
                    "off", "77", "10.0.0.0/8", "77Mbit", "77s", "7s", "80ms", "77MiB", "7MiB", "7KiB", ":77",
                    "a.example:77",
                ]
            let changed = candidates.contains { text in
                var settings = Settings()
                return (try? key.set(&settings, [text])) != nil && settings != Settings()
            }
            #expect(changed, "\(key.path)")
        }
    }

    @Test("order log levels by importance")
    func levels() {
        #expect(Settings.Log.Level.debug < .info && .info < Settings.Log.Level.warning)
        #expect(Settings.Log.Level.warning < .error)
    }
}
