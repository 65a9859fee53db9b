/// How a value of one Swift type is written in a file: what is accepted, within which limits, and how it is shown.
/// Reading what `show` wrote gives the same value again.
struct ValueType<Value: Sendable>: Sendable {
    /// Completes "takes …" in a message.
    let expectation: String
    let read: @Sendable (_ texts: [String]) throws(ValueFault) -> Value
    let show: @Sendable (Value) -> String
    /// Whether a list may be given.
    var isList = false

    /// The number that decimal digits, and nothing else, write.
    static func digits(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return Int(text)
    }
}

/// A unit behind a number, and how many of the stored unit it is worth. Tables go from the largest down.
private struct Unit: Sendable {
    let name: String
    let worth: Int

    static let durations = [
        Unit(name: "h", worth: 3_600_000), Unit(name: "m", worth: 60_000), Unit(name: "s", worth: 1_000),
        Unit(name: "ms", worth: 1),
    ]
    static let sizes = [
        Unit(name: "GiB", worth: 1 << 30), Unit(name: "MiB", worth: 1 << 20), Unit(name: "KiB", worth: 1 << 10),
        Unit(name: "B", worth: 1),
    ]

    static let rates = [
        Unit(name: "Gbit", worth: 1_000_000), Unit(name: "Mbit", worth: 1_000), Unit(name: "kbit", worth: 1),
    ]

    static func show(_ value: Int, in units: [Unit]) -> String {
        guard value != 0, let unit = units.first(where: { value % $0.worth == 0 }) else { return "\(value)" }
        return "\(value / unit.worth)\(unit.name)"
    }
}

extension ValueType<Int> {
    static func count(_ range: ClosedRange<Int>) -> Self {
        let expectation = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return ValueType(
            expectation: expectation,
            read: { (texts) throws(ValueFault) in
                guard let value = digits(texts[0][...]) else {
                    throw ValueFault("\(quoted(texts[0])) is not a whole number", "write \(expectation)")
                }
                return try within(range, value, texts[0], expectation)
            },
            show: { "\($0)" })
    }

    /// A duration in milliseconds. `zero` says that 0 is accepted although it lies below the range.
    static func duration(_ range: ClosedRange<Int>, orZero zero: Bool = false) -> Self {
        measure("a duration", Unit.durations, range, zero, example: "500ms, 10s or 2m")
    }

    /// A size in bytes.
    static func size(_ range: ClosedRange<Int>, orZero zero: Bool = false) -> Self {
        measure("a size", Unit.sizes, range, zero, example: "16KiB or 8MiB")
    }

    /// Kilobits a second; 0 is no limit.
    static let rate = measure("a rate", Unit.rates, 1...1_000_000_000, true, example: "500Mbit or 10Gbit")

    private static func measure(
        _ noun: String, _ units: [Unit], _ range: ClosedRange<Int>, _ zero: Bool, example: String
    ) -> Self {
        let limits = "\(Unit.show(range.lowerBound, in: units)) to \(Unit.show(range.upperBound, in: units))"
        let expectation = "\(noun) from \(limits)" + (zero && range.lowerBound > 0 ? ", or 0" : "")
        return ValueType(
            expectation: expectation,
            read: { (texts) throws(ValueFault) in
                let text = texts[0]
                if zero, digits(text[...]) == 0 { return 0 }
                let split = text.firstIndex { !("0"..."9" ~= $0) } ?? text.endIndex
                let name = text[split...].drop { $0 == " " }
                guard let number = digits(text[..<split]) else {
                    throw ValueFault("\(quoted(text)) is not \(noun)", "write one such as \(example)")
                }
                guard let unit = units.first(where: { $0.name == name }) else {
                    if !name.isEmpty {
                        let names = units.reversed().map(\.name).joined(separator: ", ")
                        throw ValueFault(
                            "\(quoted(text)) is not \(noun)", "write a whole number and a unit: \(names)")
                    }
                    if number == 0 { return try within(range, 0, text, expectation) }
                    throw ValueFault("\(quoted(text)) has no unit", "write one such as \(example)")
                }
                let (value, overflow) = number.multipliedReportingOverflow(by: unit.worth)
                if zero, value == 0, !overflow { return 0 }
                return try within(range, overflow ? Int.max : value, text, expectation)
            },
            show: { Unit.show($0, in: units) })
    }

    private static func within(
        _ range: ClosedRange<Int>, _ value: Int, _ text: String, _ expectation: String
    ) throws(ValueFault) -> Int {
        if range.contains(value) { return value }
        let fault = value < range.lowerBound ? "is too small" : "is too large"
        throw ValueFault("\(quoted(text)) \(fault)", "write \(expectation)")
    }
}

extension ValueType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static var choice: Self {
        let names = Value.allCases.map(\.rawValue)
        let expectation = "one of " + names.joined(separator: ", ")
        return ValueType(
            expectation: expectation,
            read: { (texts) throws(ValueFault) in
                if let value = Value(rawValue: texts[0]) { return value }
                let advice = Spelling.nearest(to: texts[0], in: names).map { "did you mean \($0)?" }
                throw ValueFault("\(quoted(texts[0])) is not known", advice ?? "write \(expectation)")
            },
            show: \.rawValue)
    }
}

extension ValueType<String> {
    /// Of a node or a data centre: what can stand in logs, labels and file names as it is. `word` stands for none.
    static func name(or word: String? = nil) -> Self {
        let expectation = "a name of 1 to 64 letters, digits, '.', '-' and '_'" + (word.map { ", or \($0)" } ?? "")
        return ValueType(
            expectation: expectation,
            read: { (texts) throws(ValueFault) in
                let text = texts[0]
                if text == word { return "" }
                let isName = text.utf8.allSatisfy {
                    switch $0 {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
                guard isName, text.utf8.count <= 64, !text.isEmpty else {
                    throw ValueFault("\(quoted(text)) is not a name", "write \(expectation)")
                }
                return text
            },
            show: { $0.isEmpty ? word ?? "" : $0 })
    }

    /// Of a file, or `off` for none.
    static let path = ValueType(
        expectation: "a file's path, or off",
        read: { (texts) throws(ValueFault) in
            if texts[0] == "off" { return "" }
            guard !texts[0].utf8.contains(0), texts[0].utf8.count < 4_096 else {
                throw ValueFault("\(quoted(texts[0])) is not a path", "give the path of a file")
            }
            return texts[0]
        },
        show: { $0.isEmpty ? "off" : $0 })
}

extension ValueType<String> {
    /// Of a folder, or `off` for none.
    static let folder = ValueType(
        expectation: "a folder's path, or off",
        read: { (texts) throws(ValueFault) in
            if texts[0] == "off" { return "" }
            guard texts[0].hasPrefix("/"), texts[0].utf8.count < 3_072,
                texts[0].utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { throw ValueFault("\(quoted(texts[0])) is not a whole path", "give the path of a folder, from / on") }
            return texts[0]
        },
        show: { $0.isEmpty ? "off" : $0 })
}

/// Items one key may list.
private let listLimit = 64

extension ValueType<[String]> {
    /// One file, a list of them (in an override, between commas), or `off` for none.
    static let paths = ValueType(
        expectation: "a file's path, a list of them, or off",
        read: { (texts) throws(ValueFault) in
            if texts == ["off"] { return [] }
            let parts = texts.flatMap { $0.split(separator: ",") }.map { String($0.drop { $0 == " " }) }
            guard !parts.isEmpty, parts.count <= listLimit else {
                throw ValueFault("holds \(parts.count) files", "give 1 to \(listLimit), or off for none")
            }
            return try parts.map { (part) throws(ValueFault) in try ValueType<String>.path.read([part]) }
        },
        show: { $0.isEmpty ? "off" : $0.joined(separator: ",") },
        isList: true)
}

extension ValueType<[Network]> {
    /// One range of addresses, a list of them (in an override, between commas), or `off` for none.
    static let networks = ValueType(
        expectation: "a network such as 10.0.0.0/8, a list of them, or off",
        read: { (texts) throws(ValueFault) in
            if texts == ["off"] { return [] }
            let parts = texts.flatMap { $0.split(separator: ",") }.map { String($0.drop { $0 == " " }) }
            guard !parts.isEmpty, parts.count <= listLimit else {
                throw ValueFault("holds \(parts.count) networks", "give 1 to \(listLimit), or off for none")
            }
            return try parts.map { (part) throws(ValueFault) in try Network(part) }
        },
        show: { $0.isEmpty ? "off" : $0.map(\.description).joined(separator: ",") },
        isList: true)
}

extension ValueType<[Endpoint]> {

    /// One address, a list of them (in an override, between commas), or `off` for none.
    static let endpoints = ValueType(
        expectation: "an address such as :1935, a list of them, or off",
        read: { (texts) throws(ValueFault) in
            if texts == ["off"] { return [] }
            let parts = texts.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
            guard !parts.isEmpty, parts.count <= listLimit else {
                throw ValueFault("holds \(parts.count) addresses", "give 1 to \(listLimit), or off for none")
            }
            var found: [Endpoint] = []
            for part in parts {
                let text = String(part.drop { $0 == " " })
                if text == "off" { throw ValueFault("\"off\" stands beside addresses", "write off alone") }
                let endpoint = try Endpoint(text)
                if endpoint.port != 0, found.contains(endpoint) {
                    throw ValueFault("lists \(endpoint) twice", "delete one of them")
                }
                found.append(endpoint)
            }
            return found
        },
        show: { $0.isEmpty ? "off" : $0.map(\.description).joined(separator: ",") },
        isList: true)
}
