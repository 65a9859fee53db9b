import Testing

@testable import Configuration

@Suite("What differs for an application or a stream")
struct ExceptionTests {
    private let yaml = """
        play: {wait: 4s}
        relay: {redundancy: 1}
        apps:
          live:
            limits: {stream_viewers: 500, app_out: 2Gbit}
            play: {wait: 1s}
          live/final:
            relay: {redundancy: 2}
            play: {wait: 0}
          quiet:
        """

    private func settings(_ overrides: [String] = []) throws -> Settings {
        try Settings.parse(yaml: [UInt8](yaml.utf8), file: "a.yaml", overrides: overrides)
    }

    @Test("goes before what holds for all, and a stream's own before its application's")
    func precedence() throws {
        let settings = try settings()
        let (other, live, final) = (
            settings.of(app: "other", stream: "a"), settings.of(app: "live", stream: "a"),
            settings.of(app: "live", stream: "final")
        )
        #expect([other.play.wait, live.play.wait, final.play.wait] == [4_000, 1_000, 0])
        #expect([other.relay.redundancy, live.relay.redundancy, final.relay.redundancy] == [1, 1, 2])
        #expect([other.limits.streamViewers, live.limits.streamViewers, final.limits.streamViewers] == [0, 500, 500])
        #expect(final.limits.appOut == 2_000_000)
    }

    @Test("can be overridden, whatever points a name holds, and whatever stands at the top changes beneath it")
    func overrides() throws {
        let settings = try settings([
            "apps.live.limits.stream_viewers=7", "apps.a.b/c.d.relay.redundancy=3", "limits.app_viewers=9",
        ])
        #expect(settings.of(app: "live", stream: "x").limits.streamViewers == 7)
        #expect(settings.of(app: "a.b", stream: "c.d").relay.redundancy == 3)
        #expect(settings.of(app: "live", stream: "final").limits.appViewers == 9)
    }

    @Test("is listed so that it reads back")
    func listing() throws {
        let settings = try settings()
        let listed = settings.listing.map { "\($0.key)=\($0.value)" }
        #expect(listed.contains("apps.live/final.relay.redundancy=2"))
        let again = try Settings.parse(yaml: [], file: "", overrides: listed)
        for name in ["a", "final"] {
            #expect(again.of(app: "live", stream: name) == settings.of(app: "live", stream: name))
        }
    }

    @Test(
        "is refused where it cannot differ, is unknown or has no sense",
        arguments: [
            (
                "apps: {live: {rtmp: {listen: ':1'}}}",
                "a.yaml:1: apps.live.rtmp.listen: is the same for all applications"
            ),
            (
                "apps:\n  live:\n    play: {wiat: 1s}",
                "a.yaml:3: apps.live.play.wiat: unknown key; did you mean play.wait?"
            ),
            ("apps:\n  live:\n    play: {wait: 1}", #"a.yaml:3: play.wait: "1" has no unit"#),
            ("apps: {live: 3}", "a.yaml:1: apps.live: has no sections"),
            ("apps: [live]", "a.yaml:1: apps: is not a map of applications"),
            ("apps: {live: {play: 3}}", "a.yaml:1: apps.live.play: is a section, not a value"),
        ])
    func refusals(yaml: String, problem: String) {
        let found = problems(yaml)
        #expect(found.count == 1 && found[0].hasPrefix(problem), "\(found)")
    }
}
