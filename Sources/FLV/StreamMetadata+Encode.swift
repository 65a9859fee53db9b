import Media

extension StreamMetadata {
    /// An `onMetaData` message that says what languages audio tracks are in, and nothing else: for sources that say it by
    /// other means. In the order of numbers, so that the same is always said in the same bytes.
    public static func message(audioLanguages: [UInt8: String]) -> [UInt8] {
        var body: [UInt8] = [string] + text("onMetaData")
        body.append(array)
        body.append(u32: 1)
        body += text("audioTrackIdInfoMap") + [object]
        for (id, language) in audioLanguages.sorted(by: { $0.key < $1.key }) {
            body += text("\(id)") + [object] + text("language") + [string] + text(language) + end
        }
        return body + end + end
    }

    // Markers of AMF 0 (§2.1).
    private static let string: UInt8 = 2
    private static let object: UInt8 = 3
    private static let array: UInt8 = 8
    private static let end: [UInt8] = [0, 0, 9]

    /// With 16 bits of length.
    private static func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(Int(UInt16.max)))
        return [UInt8(bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}
