/// Writes the Prometheus text format 0.0.4: families one after another, each announced once and never interleaved.
///
/// Label values are escaped as the format asks (backslash, quote, newline); other control characters, which the format
/// allows but terminals do not, become `\u{…}` text.
struct PrometheusWriter {
    enum Kind: String { case counter, gauge }

    typealias Labels = [(name: String, value: String)]

    private(set) var bytes: [UInt8] = []
    private var family = ""

    /// Starts a family; the samples that follow are its own.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        family = "sluice_" + name
        put("# HELP \(family) \(help)\n# TYPE \(family) \(kind.rawValue)\n")
    }

    mutating func sample(_ value: UInt64, _ labels: Labels = []) { sample(text: String(value), labels) }
    mutating func sample(_ value: Int, _ labels: Labels = []) { sample(text: String(value), labels) }
    mutating func sample(_ value: Bool, _ labels: Labels = []) { sample(text: value ? "1" : "0", labels) }
    mutating func sample(_ value: Double, _ labels: Labels = []) { sample(text: Decimal3.text(value) ?? "NaN", labels) }

    /// A family of counters, one for each word that was counted, in their order.
    mutating func counters(_ name: String, _ help: String, by label: String, _ counts: [String: UInt64]) {
        family(name, .counter, help)
        for (word, count) in counts.sorted(by: { $0.key < $1.key }) { sample(count, [(label, word)]) }
    }

    private mutating func sample(text: String, _ labels: Labels) {
        put(family)
        if !labels.isEmpty {
            put("{")
            for (index, label) in labels.enumerated() {
                put(index == 0 ? "\(label.name)=\"" : ",\(label.name)=\"")
                for scalar in label.value.unicodeScalars { append(scalar) }
                put("\"")
            }
            put("}")
        }
        put(" \(text)\n")
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\\": put(#"\\"#)
        case "\"": put(#"\""#)
        case "\n": put(#"\n"#)
        case _ where TextEscaping.isUnsafe(scalar):
            put(#"\\u{"#)
            TextEscaping.appendHex(scalar.value, width: 2, to: &bytes)
            put("}")
        default: put(String(scalar))
        }
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
