/// The bytes of a playlist in the making: lines, numbers, durations, dates and names, appended in one pass.
struct PlaylistText {
    private(set) var bytes: [UInt8] = []
    /// Where queries begin.
    private(set) var queries: [Int] = []

    /// What a segment's lines take at most without its parts, and what a part's line takes, without a viewer's query:
    /// what a playlist reserves, so that it grows once.
    static let segmentSize = 224
    static let partSize = 96
    static let headSize = 512

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func put(bytes more: [UInt8]) { bytes.append(contentsOf: more) }

    mutating func line(_ text: String) {
        put(text)
        end()
    }

    mutating func end() { bytes.append(UInt8(ascii: "\n")) }

    mutating func put(number: UInt64, digits: Int = 1) {
        var divisor: UInt64 = 1
        var count = 1
        while number / divisor >= 10 {
            divisor *= 10
            count += 1
        }
        while count < digits {
            bytes.append(UInt8(ascii: "0"))
            count += 1
        }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    /// Seconds with milliseconds, and with microseconds where there are any.
    mutating func put(seconds microseconds: Int64) {
        let value = UInt64(max(0, microseconds))
        put(number: value / 1_000_000)
        bytes.append(UInt8(ascii: "."))
        let fraction = value % 1_000_000
        if fraction % 1_000 == 0 {
            put(number: fraction / 1_000, digits: 3)
        } else {
            put(number: fraction, digits: 6)
        }
    }

    mutating func put(hexadecimal value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 0x0f
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// ISO 8601 in UTC with milliseconds, from microseconds since 1970; years of four digits, as the format has them.
    mutating func put(date microseconds: Int64) {
        let latest: Int64 = 253_402_300_799_999_000  // 9999-12-31T23:59:59.999Z
        let time = UInt64(min(max(0, microseconds), latest))
        let day = time / 86_400_000_000
        let milliseconds = time / 1_000 % 86_400_000
        let (year, month, date) = Self.civil(day)
        put(number: year, digits: 4)
        put("-")
        put(number: month, digits: 2)
        put("-")
        put(number: date, digits: 2)
        put("T")
        put(number: milliseconds / 3_600_000, digits: 2)
        put(":")
        put(number: milliseconds / 60_000 % 60, digits: 2)
        put(":")
        put(number: milliseconds / 1_000 % 60, digits: 2)
        put(".")
        put(number: milliseconds % 1_000, digits: 3)
        put("Z")
    }

    /// Year, month and day of a day since 1970-01-01. Years are counted from March, so that the leap day is the last,
    /// in eras of 400 years, which all have 146,097 days.
    private static func civil(_ day: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let sinceEra = day + 719_468
        let era = sinceEra / 146_097
        let dayOfEra = sinceEra % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let date = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, date)
    }

    mutating func put(name: ResourceName) {
        switch name {
        case .multivariant: put("index.m3u8")
        case .playlist(.main): put("media.m3u8")
        case .rewind: put("rewind.m3u8")
        case .window(.main): put("window.m3u8")
        case .window(.audio(let id)):
            put("window-")
            put(number: UInt64(id))
            put(".m3u8")
        case .playlist(.audio(let id)):
            put("audio-")
            put(number: UInt64(id))
            put(".m3u8")
        case .segment(let rendition, let number, let container):
            put(numberOf: rendition, number)
            put(container == .transportStream ? ".ts" : ".m4s")
        case .part(let rendition, let number, let index):
            put(numberOf: rendition, number)
            put(".")
            put(number: UInt64(index))
            put(".m4s")
        case .initialisation(let hash):
            put("init-")
            put(hexadecimal: hash)
            put(".mp4")
        }
    }

    private mutating func put(numberOf rendition: Rendition, _ number: UInt32) {
        if case .audio(let id) = rendition {
            put("audio-")
            put(number: UInt64(id))
            put("-")
        }
        put(number: UInt64(number))
    }

    /// A name with the viewer's query, if any.
    mutating func put(name: ResourceName, query: [UInt8]) {
        put(name: name)
        put(query: query)
    }

    mutating func put(query: [UInt8]) {
        guard !query.isEmpty else { return }
        put("?")
        queries.append(bytes.count)
        put(bytes: query)
    }

    /// What a publisher called something, as a quoted string (RFC 8216bis §4.2): without what would end it.
    mutating func put(quoted text: String, most: Int) {
        put("\"")
        var count = 0
        for scalar in text.unicodeScalars where count < most {
            if scalar == "\"" || scalar.value < 0x20 || scalar.value == 0x7f { continue }
            bytes.append(contentsOf: String(scalar).utf8)
            count += 1
        }
        put("\"")
    }

    /// What may follow a question mark inside a quoted string: everything that a query holds without escapes.
    static func query(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let isPlain = bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "#") }
        precondition(isPlain, "a query for a playlist is escaped by the caller")
        return bytes
    }
}
