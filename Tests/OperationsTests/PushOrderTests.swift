import Operations
import Testing

@Suite("An order for a push")
struct PushOrderTests {
    private func order(_ json: String) throws -> PushOrder { try PushOrder(json: Array(json.utf8)) }

    @Test("has a url, and a name if it likes")
    func reads() throws {
        #expect(try order(#"{"url":"rtmp://a/b/c"}"#) == PushOrder(url: "rtmp://a/b/c"))
        #expect(
            try order(" {\n\t\"name\" : \"Tür \\u00fc \\ud83d\\ude00 \\\"x\\\"\" , \"url\":\"rtmp:\\/\\/a\\/b\" }\r\n")
                == PushOrder(url: "rtmp://a/b", name: "Tür ü 😀 \"x\""))
    }

    @Test(
        "is refused with what to send",
        arguments: [
            "", "{", "[]", "{}", #"{"url":1}"#, #"{"url":"a","url":"b"}"#, #"{"url":"a","key":"b"}"#, #"{"url":"a"} x"#,
            #"{"url":"a"#, #"{"url":"\x"}"#, #"{"url":"\ud800"}"#, #"{"url":"\u+123"}"#, "{\"url\":\"\n\"}",
            #"{"url":"a",}"#, #"{"name":"a"}"#,
        ])
    func refuses(_ json: String) {
        let fault = #expect(throws: PushOrder.Fault.self) { try order(json) }
        #expect(fault?.description.contains("send {\"url\"") == true)
    }

    @Test("of bytes that are no text is refused")
    func notText() {
        let body = Array(#"{"url":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8)
        #expect(throws: PushOrder.Fault.self) { try PushOrder(json: body) }
    }

    @Test("its report says what is absent as null")
    func report() {
        let report = PushReport(id: "p1", app: "live", stream: "a", url: "rtmp://h/a/***", state: "retrying")
        let text = String(decoding: JSON.encode([report]), as: UTF8.self)
        #expect(text.hasPrefix(#"{"pushes":[{"id":"p1","app":"live","stream":"a","name":"","url":"rtmp://h/a/***","#))
        #expect(text.contains(#""nextTry":null"#) && text.contains(#""frames":null"#))
    }
}
