/// How a value of a topology file is written: what is accepted, and what a message says of anything else.
import Configuration
import Dispatch

extension TopologyFile {
    struct Kind<Value: Sendable>: Sendable {
        /// Completes "give it …" in a message.
        let expectation: String
        let read: @Sendable (String) throws(ValueFault) -> Value
    }

    /// A unit behind a number: `(number * factor) / divisor` is the amount as the topology keeps it. Two numbers
    /// instead of one fraction, so that 57% is 0.57 to the last bit.
    struct Unit: Sendable {
        let name: String
        var factor = 1.0
        var divisor = 1.0
    }

    /// Letters of a name, and of a number.
    static let longestName = 64
    private static let longestNumber = 32

    /// The number that digits, with a point and more digits at most, write.
    static func decimal(_ text: Substring) -> Double? {
        guard text.utf8.count <= longestNumber else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        for part in parts where part.isEmpty || !part.utf8.allSatisfy(isDigit) { return nil }
        return Double(text)
    }

    fileprivate static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    fileprivate static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }

    fileprivate static func isName(_ text: some StringProtocol, punctuation: String = ".-_") -> Bool {
        !text.isEmpty && text.utf8.count <= longestName
            && text.utf8.allSatisfy { isDigit($0) || isLetter($0) || punctuation.utf8.contains($0) }
    }
}

extension TopologyFile.Kind<String> {
    /// Of a node, an IDC, a region or a class: what can stand in logs, labels and file names as it is.
    static let name = pattern("a name", "a name of 1 to 64 letters, digits, '.', '-' and '_'") {
        TopologyFile.isName($0)
    }

    static let timeZone = pattern("a time zone", "a name of the time zone database, such as Europe/Berlin") {
        TopologyFile.isName($0, punctuation: "/_+-")
    }

    private static func pattern(
        _ noun: String, _ expectation: String, _ fits: @escaping @Sendable (String) -> Bool
    ) -> Self {
        Self(
            expectation: expectation,
            read: { (text) throws(ValueFault) in
                guard fits(text) else { throw ValueFault("\(quoted(text)) is not \(noun)", "write \(expectation)") }
                return text
            })
    }
}

extension TopologyFile.Kind<Double> {
    /// Mbit/s.
    static let rate = measure(
        "a rate", "500Mbit or 10Gbit", aboveZero: true,
        [
            .init(name: "kbit", divisor: 1_000), .init(name: "Mbit"), .init(name: "Gbit", factor: 1_000),
            .init(name: "Tbit", factor: 1_000_000),
        ])

    /// Milliseconds of round trip.
    static let roundTrip = measure(
        "a round trip", "88ms or 1.5s", [.init(name: "ms"), .init(name: "s", factor: 1_000)])

    /// 0 to 1, of what is lost.
    static let loss = measure("a loss", "0.01%", [.init(name: "%", divisor: 100)])

    /// 0 to 1, of a machine's processors.
    static let share = measure(
        "a share", "0.9 or 90%", aboveZero: true, [.init(name: ""), .init(name: "%", divisor: 100)])

    static let price = plain("a price", "a plain number, such as 0.02")

    static let degrees = plain("a number of degrees", "degrees, such as 50.11 or -33.87", negative: true)

    static let count = Self(
        expectation: "a whole number above 0",
        read: { (text) throws(ValueFault) in
            guard text.utf8.allSatisfy(TopologyFile.isDigit), let value = TopologyFile.decimal(text[...]) else {
                throw ValueFault("\(quoted(text)) is not a whole number", "write a whole number above 0")
            }
            guard value > 0 else { throw ValueFault("\(quoted(text)) is too small", "write a whole number above 0") }
            return value
        })

    private static func plain(_ noun: String, _ expectation: String, negative: Bool = false) -> Self {
        Self(
            expectation: expectation,
            read: { (text) throws(ValueFault) in
                let isNegative = negative && text.hasPrefix("-")
                guard let value = TopologyFile.decimal(text.dropFirst(isNegative ? 1 : 0)) else {
                    throw ValueFault("\(quoted(text)) is not \(noun)", "write \(expectation)")
                }
                return isNegative ? -value : value
            })
    }

    private static func measure(
        _ noun: String, _ example: String, aboveZero: Bool = false, _ units: [TopologyFile.Unit]
    ) -> Self {
        Self(
            expectation: "\(noun) such as \(example)",
            read: { (text) throws(ValueFault) in
                let end = text.utf8.firstIndex { !TopologyFile.isDigit($0) && $0 != UInt8(ascii: ".") } ?? text.endIndex
                guard let number = TopologyFile.decimal(text[..<end]) else {
                    throw ValueFault("\(quoted(text)) is not \(noun)", "write one such as \(example)")
                }
                let name = text[end...].drop { $0 == " " }
                let unit = units.first { $0.name == name }
                if unit == nil, !(name.isEmpty && number == 0) {
                    if name.isEmpty { throw ValueFault("\(quoted(text)) has no unit", "write one such as \(example)") }
                    let meant = units.first { $0.name.lowercased() == name.lowercased() }
                    let names = units.map(\.name).filter { !$0.isEmpty }.joined(separator: ", ")
                    throw ValueFault(
                        "\(quoted(text)) is not \(noun)",
                        meant.map { "did you mean \(text[..<end])\($0.name)?" } ?? "write a number and a unit: \(names)"
                    )
                }
                guard number > 0 || !aboveZero else {
                    throw ValueFault("\(quoted(text)) is too small", "write \(noun) above 0")
                }
                return number * (unit?.factor ?? 1) / (unit?.divisor ?? 1)
            })
    }
}

extension TopologyFile.Kind<Bool> {
    static let flag = Self(
        expectation: "true or false",
        read: { (text) throws(ValueFault) in
            switch text {
            case "true": return true
            case "false": return false
            default: throw ValueFault("\(quoted(text)) is neither true nor false", "write one of them")
            }
        })
}

extension TopologyFile.Kind<Remote> {
    static let address = Self(
        expectation: "an address such as fra-1.example.net:1937",
        read: { (text) throws(ValueFault) in
            guard let remote = Remote(text) else {
                throw ValueFault("\(quoted(text)) is not an address", "write HOST:PORT, or [IPV6]:PORT")
            }
            return remote
        })
}

extension TopologyFile.Kind<Roles> {
    private static let names = ["ingest", "relay", "edge", "reserve"]
    private static let roles: [Roles] = [.ingest, .relay, .edge, .reserve]

    static let role = Self(
        expectation: "one or more of " + names.joined(separator: ", "),
        read: { (text) throws(ValueFault) in
            if let index = names.firstIndex(of: text) { return roles[index] }
            throw ValueFault(
                "\(quoted(text)) is no role",
                Spelling.nearest(to: text, in: names).map { "did you mean \($0)?" }
                    ?? "write one of \(names.joined(separator: ", "))")
        })
}

extension TopologyFile.Kind<Topology.Transport> {
    private static let names = Topology.Transport.allCases.map(\.rawValue)

    static let transport = Self(
        expectation: "a transport: " + names.joined(separator: ", "),
        read: { (text) throws(ValueFault) in
            if let transport = Topology.Transport(rawValue: text) { return transport }
            throw ValueFault(
                "\(quoted(text)) is no transport",
                Spelling.nearest(to: text.lowercased(), in: names).map { "did you mean \($0)?" }
                    ?? "write one of \(names.joined(separator: ", ")), or leave it out for the best that both ends have"
            )
        })
}

extension TopologyFile.Kind<Topology.LinkClass.Scope> {
    static let scope = Self(
        expectation: "anywhere, region NAME or idc ID",
        read: { (text) throws(ValueFault) in
            let words = text.split(separator: " ", maxSplits: 2)
            if words == ["anywhere"] { return .anywhere }
            if words.count == 2, TopologyFile.isName(words[1]) {
                if words[0] == "region" { return .region(String(words[1])) }
                if words[0] == "idc" { return .idc(String(words[1])) }
            }
            throw ValueFault("\(quoted(text)) is no scope", "write anywhere, region NAME or idc ID")
        })
}

extension TopologyFile.Kind<Topology.LinkClass.Latency> {
    private static let word = "great_circle"

    static let latency = Self(
        expectation: "a round trip such as 88ms, or great_circle with a factor and a base: great_circle 1.6 3ms",
        read: { (text) throws(ValueFault) in
            let words = text.split(separator: " ", maxSplits: 3)
            guard let first = words.first, first.utf8.first.map(TopologyFile.isLetter) == true else {
                return .fixed(try TopologyFile.Kind<Double>.roundTrip.read(text))
            }
            guard first == word else {
                let isNear = Spelling.nearest(to: String(first), in: [word]) != nil
                throw ValueFault(
                    "\(quoted(text)) is not a round trip",
                    isNear ? "did you mean great_circle?" : "write one such as 88ms, or great_circle")
            }
            guard words.count <= 3 else {
                throw ValueFault("\(quoted(text)) has too many words", "write great_circle FACTOR BASE")
            }
            var factor = Topology.LinkClass.Latency.usualFactor
            var base = Topology.LinkClass.Latency.usualBase
            if words.count > 1 {
                guard let number = TopologyFile.decimal(words[1]) else {
                    throw ValueFault(
                        "\(quoted(text)) has no factor behind great_circle", "write one such as great_circle 1.6 3ms")
                }
                factor = number
            }
            if words.count > 2 { base = try TopologyFile.Kind<Double>.roundTrip.read(String(words[2])) }
            return .greatCircle(factor: factor, base: base)
        })
}
