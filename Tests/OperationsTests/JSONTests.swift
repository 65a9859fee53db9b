import Testing

@testable import Operations

@Suite struct JSONTests {
    @Test("every field of a stream is in its answer under the name of the property")
    func stream() throws {
        let json = try ReadJSON(JSON.encode(Samples.stream()))
        #expect(json["app"] == .string("live"))
        #expect(json["publisher"]?["protocol"] == .string("rtmp"))
        #expect(json["publisher"]?["since"] == .number(12.5))
        #expect(json["epoch"] == .number(7))
        #expect(json["video"]?["width"] == .number(1280))
        #expect(json["video"]?["frameRate"] == .number(30))
        #expect(json["audio"]?["codecString"] == .string("mp4a.40.2"))
        #expect(json["bitrateIn"] == .number(2_200_400))
        #expect(json["corrections"]?["rollovers"] == .number(3))
        #expect(json["viewers"] == .object(["rtmp": .number(1), "http-flv": .number(2)]))
        #expect(json["sinceLastFrame"] == .number(0.02))
    }

    @Test("what is absent is null, not left out")
    func absent() throws {
        let json = try ReadJSON(JSON.encode(StreamReport(app: "live", name: "a")))
        for key in ["publisher", "video", "audio", "sinceLastFrame"] { #expect(json[key] == .null) }
        #expect(json["viewers"] == .object([:]))
    }

    @Test("every property of the reports is written")
    func complete() throws {
        for (report, bytes) in [
            (Mirror(reflecting: Samples.stream()), JSON.encode(Samples.stream())),
            (Mirror(reflecting: Samples.session()), JSON.encode(Samples.session())),
            (Mirror(reflecting: Samples.node()), JSON.encode(Samples.node())),
            (Mirror(reflecting: Samples.window()), JSON.encode(Samples.window())),
        ] {
            let json = try ReadJSON(bytes)
            for child in report.children { #expect(json[child.label ?? ""] != nil, "\(child.label ?? "")") }
        }
    }

    @Test("peer-controlled text survives the round trip and never leaves its string")
    func hostile() throws {
        var session = Samples.session()
        session.agent = Samples.hostile
        let bytes = JSON.encode([session])
        #expect(try ReadJSON(bytes)["sessions"]?[0]?["agent"] == .string(Samples.hostile))
        #expect(bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        #expect(!text(bytes).contains("</script"))
        #expect(!text(bytes).unicodeScalars.contains("\u{202e}"))
    }

    @Test("pretty and compact say the same")
    func pretty() throws {
        let pretty = JSON.encode(Samples.node(), pretty: true)
        #expect(try ReadJSON(pretty) == ReadJSON(JSON.encode(Samples.node())))
        #expect(text(pretty).hasPrefix("{\n  \"version\": \"1.0\",\n"))
        #expect(text(pretty).hasSuffix("}\n"))
        #expect(text(JSON.encode([StreamReport](), pretty: true)) == "{\n  \"streams\": []\n}\n")
    }

    @Test("numbers have at most three decimals and no number is written that JSON cannot say")
    func numbers() {
        #expect(Decimal3.text(0) == "0")
        #expect(Decimal3.text(-0.0) == "0")
        #expect(Decimal3.text(29.97002997) == "29.97")
        #expect(Decimal3.text(0.02) == "0.02")
        #expect(Decimal3.text(0.005) == "0.005")
        #expect(Decimal3.text(-1.5) == "-1.5")
        #expect(Decimal3.text(1_700_000_000.125) == "1700000000.125")
        #expect(Decimal3.text(.nan) == nil)
        #expect(Decimal3.text(.infinity) == nil)
        #expect(Decimal3.text(1e300) == "1e+300")
    }

    @Test("the public list shows formats as people say them and nothing about the publisher")
    func publicList() throws {
        var silent = StreamReport(app: "live", name: Samples.hostile)
        silent.video = VideoReport(codec: "av1", frameRate: 29.97)
        let bytes = PublicList.encode([Samples.stream(), silent])
        let json = try ReadJSON(bytes)
        #expect(
            json["streams"]?[0]
                == .object([
                    "app": .string("live"), "name": .string("a"), "viewers": .number(3),
                    "video": .string("H.264 1280x720 30 fps"), "audio": .string("AAC 48000 Hz stereo"),
                    "kbps": .number(2200),
                ]))
        #expect(json["streams"]?[1]?["name"] == .string(Samples.hostile))
        #expect(json["streams"]?[1]?["video"] == .string("AV1 30 fps"))
        #expect(json["streams"]?[1]?["audio"] == .null)
        #expect(!text(bytes).contains("127.0.0.1"))
    }
}
