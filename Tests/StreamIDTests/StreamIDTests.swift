import Fixtures
import Testing

@testable import StreamID

private func parse(_ text: String, _ mode: StreamID.Mode = .request) throws(StreamIDError) -> StreamID {
    try StreamID(parsing: text, defaultApp: "live", defaultMode: mode)
}

struct StreamIDTests {
    @Test(
        "what encoders send names the application, the stream and the mode",
        arguments: [
            // The guidelines' own form, as ffmpeg, OBS, Larix, vMix and SRS's documentation send it.
            ("#!::r=live/cam,m=publish", "live/cam", .publish), ("#!::m=publish,r=live/cam", "live/cam", .publish),
            ("#!::r=/live/cam,m=request", "live/cam", .request), ("#!::r=cam", "live/cam", nil),
            ("#!::h=srs.example.com,r=app/cam,m=publish", "app/cam", .publish),
            ("#!::u=admin,r=bluesbrothers1_hi", "live/bluesbrothers1_hi", nil),
            ("#!::r=live/cam,m=publish,", "live/cam", .publish),
            ("#!::r=live/cam,t=stream,m=bidirectional", "live/cam", .bidirectional),
            ("!::r=live/cam,m=publish", "live/cam", .publish),
            ("#!::h=127.0.0.1/app/cam,m=publish", "app/cam", .publish),
            ("#!::h=app/cam,m=publish", "app/cam", .publish),
            // MediaMTX.
            ("publish:live/cam", "live/cam", .publish), ("read:app/cam", "app/cam", .request),
            ("publish:cam", "live/cam", .publish), ("play:live/cam", "live/cam", .request),
            ("request:live/cam", "live/cam", .request), ("publish:live/cam:me:secret", "live/cam", .publish),
            // srt-live-server, and what its users made of it.
            ("uplive.sls.com/live/cam", "live/cam", .publish), ("live.sls.com/app/cam", "app/cam", nil),
            ("publish/live/cam", "live/cam", .publish), ("play/live/cam", "live/cam", .request),
            // OvenMediaEngine.
            ("srt://example.com:9999/app/cam", "app/cam", nil), ("srt://example.com/app/cam?x=1", "app/cam", nil),
            ("srt://localhost/app/cam", "app/cam", nil), ("example.com:8080/app/cam", "app/cam", nil),
            // Plain.
            ("app/cam", "app/cam", nil), ("/app/cam", "app/cam", nil), ("cam", "live/cam", nil),
            ("a.b/c", "a.b/c", nil), ("app/cam?mode=publish", "app/cam", .publish),
            ("app/cam?mode=publish&token=x", "app/cam", .publish), ("?mode=publish&r=app/cam", "app/cam", .publish),
            ("?m=request&r=cam", "live/cam", .request), ("app/日本", "app/日本", nil),
        ] as [(String, String, StreamID.Mode?)])
    func forms(_ text: String, _ path: String, _ mode: StreamID.Mode?) throws {
        for fallback in [StreamID.Mode.request, .publish] {
            let id = try parse(text, fallback)
            #expect("\(id.app)/\(id.name)" == path)
            #expect(id.mode == mode ?? fallback)
            #expect(id.statesMode == (mode != nil))
        }
    }

    @Test("user, session, host and everything else that was said are kept")
    func parts() throws {
        let id = try parse("#!::h=example.com,r=app/cam?priority=2&token=a=b,m=publish,u=me,s=secret,acme_bitrate=5,x=")
        #expect(id.host == "example.com" && id.user == "me" && id.session == "secret")
        #expect(id.parameters == ["priority": "2", "token": "a=b", "acme_bitrate": "5", "x": ""])
        #expect(id.query == "priority=2&token=a=b&acme_bitrate=5&x")
        let short = try parse("publish:app/cam:me:secret:priority=3&token=x:y")
        #expect(short.user == "me" && short.session == "secret" && short.query == "priority=3&token=x:y")
        #expect(try parse("publish:app/cam:token=x").query == "token=x")
        #expect(try parse("publish:app/cam?token=a:b:c").parameters == ["token": "a:b:c"])
        #expect(try parse("app/cam?mode=publish&priority=1").query == "priority=1")
        #expect(try parse("uplive.sls.com/app/cam").host == "uplive.sls.com")
        #expect(try parse("srt://example.com:9999/app/cam?k=v").parameters == ["k": "v"])
        #expect(try parse("app/cam?a=1&a=2").parameters == ["a": "1"])
    }

    @Test(
        "what is no stream id is refused with the reason and the cure",
        arguments: [
            ("", .empty, 1400), ("#!::", .noName, 1400), ("#!::m=publish", .noName, 1400),
            ("?mode=publish", .noName, 1400),
            ("#!:{r=live/cam}", .nested, 1400), ("#!{r=live/cam}", .nested, 1400), ("#!/bin/sh", .unknownSyntax, 1400),
            ("#!::r=live/cam,publish", .noValue("publish"), 1400), ("#!::=x", .noValue("=x"), 1400),
            ("#!::r=a/b,r=c/d", .repeated("r"), 1400), ("#!::r=a/b,m=steal", .unknownMode("steal"), 1405),
            ("record:a/b", .unknownMode("record"), 1405), (":a/b", .unknownMode(""), 1405),
            ("#!::r=file.ts,t=file", .unsupportedType("file"), 1415), ("#!::r=", .emptyPart(""), 1400),
            ("live/", .emptyPart("live/"), 1400), ("live//cam", .emptyPart("live//cam"), 1400),
            ("//cam", .emptyPart("//cam"), 1400), ("publish:", .emptyPart(""), 1400),
            ("a/b/c/d", .tooManyParts("a/b/c/d"), 1400), ("a/b/c", .tooManyParts("a/b/c"), 1400),
            ("a\nb", .controlCharacter(10), 1400), ("a\u{7F}", .controlCharacter(127), 1400),
            (String(repeating: "a", count: 513), .tooLong(513), 1400), ("app/cam?=1", .noValue("=1"), 1400),
            ("srt://example.com", .noName, 1400),
        ] as [(String, StreamIDError, Int32)])
    func refusals(_ text: String, _ expected: StreamIDError, _ code: Int32) {
        let error = #expect(throws: StreamIDError.self) { try parse(text) }
        #expect(error == expected)
        #expect(error?.rejectCode == code)
        #expect(error?.description.contains("; send ") == true)
    }

    @Test("a combining mark behind a slash, a comma or an equals sign hides none of them")
    func marks() throws {
        let mark = "\u{73C}"
        #expect(try parse("app/\(mark)cam").app == "app")
        #expect(try parse("#!::r=\(mark)app/cam,\(mark)m=publish").app == "\(mark)app")
        #expect(throws: StreamIDError.tooManyParts("a/\(mark)b/\(mark)c")) { try parse("a/\(mark)b/\(mark)c") }
    }

    @Test("bytes are read as the same text is, and must be UTF-8")
    func bytes() throws {
        let good = Array("publish:app/cam".utf8)
        #expect(try StreamID(parsing: good.span, defaultApp: "live") == parse("publish:app/cam"))
        let bad: [UInt8] = [0x61, 0xFF]
        #expect(throws: StreamIDError.notUTF8) { try StreamID(parsing: bad.span, defaultApp: "live") }
        let long = [UInt8](repeating: 0x61, count: 513)
        #expect(throws: StreamIDError.tooLong(513)) { try StreamID(parsing: long.span, defaultApp: "live") }
        let longest = Array(long[..<512])
        let id = try StreamID(parsing: longest.span, defaultApp: "live")
        #expect(id.name.utf8.count == 512)
    }

    @Test("whatever is put together from its words, what is accepted has an application and a name")
    func soup() {
        let words = [
            "#!::", "!::", "#!", "srt://", "r=", "m=", "publish", "request", ":", "/", "?", "&", ",", "=", "a", "b.c",
            "live", "u=", "mode=", "é", "{", "h=",
        ]
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in words.randomElement(using: &random)! }
                .joined()
            guard let id = try? parse(text) else { continue }
            #expect(!id.app.isEmpty && !id.app.utf8.contains(0x2F), "seed \(seed): \(text)")
            #expect(!id.name.isEmpty && !id.name.utf8.contains(0x2F), "seed \(seed): \(text)")
        }
    }
}
