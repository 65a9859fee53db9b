//! A run's result: one list of figures, printed as a table or as JSON.

struct Report {
    enum Value {
        case whole(Int)
        case decimal(Double)
        /// Six digits behind the point, whatever the size.
        case precise(Double)
        case list([Double])
        case text(String)
    }

    private struct Line {
        let key: String
        let label: String
        let value: Value
    }

    private var lines: [Line] = []

    mutating func add(_ key: String, _ label: String, _ value: Int) { add(key, label, .whole(value)) }
    mutating func add(_ key: String, _ label: String, _ value: UInt64) { add(key, label, .whole(Int(value))) }
    mutating func add(_ key: String, _ label: String, _ value: Double) { add(key, label, .decimal(value)) }
    mutating func add(_ key: String, _ label: String, _ value: String) { add(key, label, .text(value)) }

    mutating func add(_ key: String, _ label: String, _ value: Value) {
        lines.append(Line(key: key, label: label, value: value))
    }

    /// The usual percentiles of `histogram`, in milliseconds.
    mutating func add(_ key: String, _ label: String, _ histogram: Histogram) {
        for (name, fraction) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
            add("\(key)_\(name)_ms", "\(label), \(name), ms", histogram.percentile(fraction))
        }
        add("\(key)_max_ms", "\(label), max, ms", histogram.maximum)
    }

    var table: String {
        let width = lines.map { $0.label.count }.max() ?? 0
        return lines.map { line in
            line.label + String(repeating: " ", count: width - line.label.count + 2) + Report.plain(line.value)
        }.joined(separator: "\n")
    }

    var json: String { "{\n" + members.map { "  " + $0 }.joined(separator: ",\n") + "\n}" }

    /// The JSON object on one line.
    var line: String { "{" + members.joined(separator: ", ") + "}" }

    private var members: [String] {
        lines.map { line in
            let value =
                if case .text(let text) = line.value { Report.quoted(text) } else { Report.plain(line.value) }
            return "\(Report.quoted(line.key)): \(value)"
        }
    }

    private static func plain(_ value: Value) -> String {
        switch value {
        case .whole(let number): String(number)
        case .decimal(let number): decimal(number)
        case .precise(let number): decimal(number, places: 6)
        case .list(let numbers): "[" + numbers.map { decimal($0) }.joined(separator: ", ") + "]"
        case .text(let text): text
        }
    }

    /// Four digits behind the point below 1, and fewer above.
    static func decimal(_ value: Double) -> String {
        decimal(value, places: abs(value) < 1 ? 4 : abs(value) < 100 ? 3 : 1)
    }

    private static func decimal(_ value: Double, places: Int) -> String {
        guard value.isFinite else { return "0" }
        let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = Int((abs(value) * scale).rounded())
        let fraction = String(scaled % Int(scale))
        let sign = value < 0 ? "-" : ""
        return sign + String(scaled / Int(scale)) + "." + String(repeating: "0", count: places - fraction.count)
            + fraction
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
