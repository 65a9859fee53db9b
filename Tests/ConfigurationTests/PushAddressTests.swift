import Testing

@testable import Configuration

@Suite("The address of a push")
struct PushAddressTests {
    private func rtmp(_ text: String) throws -> RTMPAddress {
        guard case .rtmp(let address) = try PushAddress(text).place else { throw ValueFault("", "") }
        return address
    }

    @Test(
        "is parted into host, application and stream",
        arguments: [
            ("rtmp://h/app/key", "h:1935", "app", "key", "rtmp://h/app"),
            ("rtmps://h/app/key", "tls://h:443", "app", "key", "rtmps://h/app"),
            ("rtmps://h:443/app/key", "tls://h:443", "app", "key", "rtmps://h/app"),
            ("rtmp://h:1936/a/b/key?x=1/2&y=3", "h:1936", "a/b", "key?x=1/2&y=3", "rtmp://h:1936/a/b"),
            ("rtmp://h/app?token=1/key", "h:1935", "app?token=1", "key", "rtmp://h/app?token=1"),
            ("rtmp://[::1]:19/{app}/{stream}_x", "[::1]:19", "{app}", "{stream}_x", "rtmp://[::1]:19/live"),
            ("rtmp://[::1]/a/b", "[::1]:1935", "a", "b", "rtmp://[::1]/a"),
        ])
    func parts(_ text: String, _ remote: String, _ app: String, _ stream: String, _ url: String) throws {
        let address = try rtmp(text)
        #expect(address.remote.description == remote)
        #expect(address.app == app && address.stream == stream)
        #expect(address.connectURL(app: "live", stream: "cam") == url)
    }

    @Test(
        "is refused without repeating it",
        arguments: [
            "", "x", "http://h/secret/x", "rtmp://", "rtmp://h", "rtmp://h/secret", "rtmp://h/secret/",
            "rtmp:///a/secret",
            "rtmp://h:0/a/secret", "rtmp://h:99999/a/secret", "rtmp://u:secret@h/a/b", "rtmp://h/a/sec ret",
            "srt://h", "srt://h:1?passphrase=secret", "srt://h:1?secret=1", "a,b=rtmp://h/a/secret",
            "a=b=rtmp://h/a/secret",
        ])
    func refuses(_ text: String) {
        let fault = #expect(throws: ValueFault.self) { try PushAddress(text) }
        #expect(fault.map { !"\($0.fault) \($0.advice)".contains("secret") } == true)
    }

    @Test(
        "is shown without its keys",
        arguments: [
            ("rtmp://h/app/key", "rtmp://h/app/***"),
            ("site=rtmps://h/app/key?a=b", "rtmps://h/app/***?***"),
            ("rtmp://h/{app}/{stream}", "rtmp://h/{app}/{stream}"),
            ("rtmp://h/{app}/{stream}?token=1", "rtmp://h/{app}/{stream}?***"),
            ("rtmp://h/app/key-{stream}", "rtmp://h/app/***"),
            ("rtmp://h/app?token=1/{stream}", "rtmp://h/app?***/{stream}"),
            (
                "srt://h:9?streamid=publish:{app}/{stream}&latency=200",
                "srt://h:9?streamid=publish:{app}/{stream}&latency=200"
            ),
            ("srt://h:9?streamid=#!::r={app}/{stream},m=publish", "srt://h:9?streamid=#!::r={app}/{stream},m=publish"),
            ("srt://h:9?streamid=key&passphrase=0123456789", "srt://h:9?streamid=***&passphrase=***"),
        ])
    func masks(_ text: String, _ masked: String) throws {
        #expect(try PushAddress(text).masked == masked)
    }

    @Test("takes its keys out of what others say")
    func masksTexts() throws {
        let address = try PushAddress("rtmp://h/app/{stream}-key1?token=token2&s=ab")
        let said = "publish app/cam-key1?token=token2 failed: cam-key1 is taken, cam is not"
        let masked = address.mask(said, app: "live", stream: "cam")
        #expect(masked == "publish app/***?token=*** failed: *** is taken, cam is not")
        let srt = try PushAddress("srt://h:9?streamid=secretid&passphrase=0123456789")
        #expect(srt.mask("secretid 0123456789 x", app: "", stream: "") == "*** *** x")
        let open = try PushAddress("rtmp://h/{app}/{stream}")
        #expect(open.mask("live/camera is taken", app: "live", stream: "camera") == "live/camera is taken")
    }

    @Test("is a setting of every application, and of each, in a file and in an override")
    func settings() throws {
        let yaml = """
            push: "rtmp://h/all/{stream}"
            apps:
              live:
                push: ["site=rtmps://a.example/app/k1,2", "srt://b.example:9?streamid=x"]
              live/quiet:
                push: off
            """
        let read = try Settings.parse(
            yaml: Array(yaml.utf8), file: "f", overrides: ["apps.a.b.push=rtmp://x/y/z,two=rtmp://x/y/w,v"])
        #expect(read.of(app: "other", stream: "s").push.map(\.description) == ["rtmp://h/all/{stream}"])
        let live = read.of(app: "live", stream: "s").push
        #expect(live.map(\.name) == ["site", ""])
        #expect(live.map(\.description) == ["site=rtmps://a.example/app/k1,2", "srt://b.example:9?streamid=x"])
        #expect(read.of(app: "live", stream: "quiet").push.isEmpty)
        #expect(read.of(app: "a.b", stream: "s").push.map(\.description) == ["rtmp://x/y/z", "two=rtmp://x/y/w,v"])
        let again = try Settings.parse(
            yaml: [], file: "", overrides: read.listing.map { "\($0.key)=\($0.value)" })
        #expect(again == read)
    }

    @Test("that is listed twice is refused, whatever it is called")
    func twice() {
        let error = #expect(throws: ConfigurationError.self) {
            try Settings.parse(yaml: [], file: "", overrides: ["push=rtmp://h/a/secret,b=rtmp://h/a/secret"])
        }
        #expect(error?.description.contains("lists rtmp://h/a/*** twice") == true)
    }
}
