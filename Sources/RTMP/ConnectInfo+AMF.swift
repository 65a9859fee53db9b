/// Reads a connect command's object, and answers what it says of Enhanced RTMP.
extension ConnectInfo {
    /// Codecs that are carried whether or not a client lists them.
    private static let video: [String] = ["avc1", "hvc1", "av01", "vp09", "vp08", "vvc1"]
    private static let audio: [String] = ["mp4a", "Opus", "ac-3", "ec-3", "fLaC", ".mp3"]
    /// A codec can be forwarded (Enhanced RTMP v2, FourCcInfoMask).
    private static let canForward = 4.0
    /// Multitrack, extensions of modes and nanosecond offsets pass through; reconnect requests are not sent.
    private static let carriedCaps = 0x02 | 0x04 | 0x08
    /// Codecs that are listened to, of those that a client lists.
    private static let maxFourCCs = 32

    init(_ object: AMFObject, limits: Limits) throws(RTMPError) {
        func text(_ key: String) -> String { object[key]?.string ?? "" }
        tcUrl = text("tcUrl")
        flashVer = text("flashVer")
        pageUrl = text("pageUrl")
        swfUrl = text("swfUrl")
        publishes = text("type") == "nonprivate"
        objectEncoding = object["objectEncoding"]?.number == 3 ? 3 : 0
        let tooLong = [tcUrl, flashVer, pageUrl, swfUrl].contains { $0.utf8.count > limits.maxName }
        via = Via(text("via"))
        if tooLong || text("app").utf8.count > limits.maxName { throw .nameTooLong(limit: limits.maxName) }

        let named = StreamName.split(text("app"))
        let path = StreamName.split(StreamName.path(ofURL: tcUrl))
        app = named.name.isEmpty ? path.name : named.name
        query = named.query.isEmpty ? path.query : named.query
        readCapabilities(object)
    }

    private mutating func readCapabilities(_ object: AMFObject) {
        var offered: [String] = []
        for key in ["fourCcList", "videoFourCcList"] { offered += (object[key]?.array ?? []).compactMap(\.string) }
        for key in ["videoFourCcInfoMap", "audioFourCcInfoMap"] {
            offered += (object[key]?.object?.members ?? []).map(\.key)
        }
        for code in offered.prefix(Self.maxFourCCs) where code.utf8.count <= 4 && !fourCCs.contains(code) {
            fourCCs.append(code)
        }
        if let caps = object["capsEx"]?.number, caps >= 0, caps <= 0xFFFF { capsEx = Int(caps) }
        enhanced = !fourCCs.isEmpty || object["capsEx"] != nil
    }

    /// Tells an enhanced client what passes through; another one gets what it knows.
    func addCapabilities(to status: inout AMFObject) {
        guard enhanced else { return }
        func map(_ codecs: [String]) -> AMFValue {
            var map = AMFObject()
            for codec in codecs { map.append(codec, .number(Self.canForward)) }
            return .object(map)
        }
        let list = AMFValue.strictArray((Self.video + Self.audio).map { .string($0) })
        status.append("fourCcList", list)
        status.append("videoFourCcList", .strictArray(Self.video.map { .string($0) }))
        status.append("videoFourCcInfoMap", map(Self.video))
        status.append("audioFourCcInfoMap", map(Self.audio))
        status.append("capsEx", .number(Double(capsEx & Self.carriedCaps)))
    }
}
