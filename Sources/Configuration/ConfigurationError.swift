/// Why a configuration was refused: every problem of it at once, so that the operator edits the file once.
///
/// The description has a line for each problem: where, which key, what is wrong; what to do.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    public let problems: [Problem]

    package init(problems: [Problem]) { self.problems = problems }

    public var description: String { problems.map(\.description).joined(separator: "\n") }

    public struct Problem: Sendable, Equatable, CustomStringConvertible {
        public let place: Place
        /// The full name, `play.wait`; nil when the file as a whole is meant.
        public let key: String?
        public let fault: String
        public let advice: String

        package init(place: Place, key: String?, fault: String, advice: String) {
            self.place = place
            self.key = key
            self.fault = fault
            self.advice = advice
        }

        public var file: String? {
            switch place {
            case .line(let file, _), .file(let file): file
            case .override: nil
            }
        }

        public var line: Int? {
            if case .line(_, let line) = place { line } else { nil }
        }

        public var description: String {
            let subject: String
            switch (place, key) {
            case (.override, let key?): subject = "--set \(key)"
            case (let place, let key?): subject = "\(place): \(key)"
            case (let place, nil): subject = "\(place)"
            }
            return "\(subject): \(fault); \(advice)"
        }
    }

    /// Where a value was given.
    public enum Place: Sendable, Equatable, CustomStringConvertible {
        /// Lines count from 1.
        case line(file: String, Int)
        case file(String)
        case override

        public var description: String {
            switch self {
            case .line(let file, let line): "\(file):\(line)"
            case .file(let file): file
            case .override: "--set"
            }
        }
    }
}

/// What is wrong with a value and what to do, before it is known where the value stood.
package struct ValueFault: Error {
    package let fault: String
    package let advice: String

    package init(_ fault: String, _ advice: String) {
        self.fault = fault
        self.advice = advice
    }
}

/// Characters of an operator's text that a message repeats.
private let quotedLimit = 60

/// `text` between quotes, on one line whatever it holds, and cut to a length that a terminal shows.
package func quoted(_ text: String) -> String {
    "\"" + printable(text) + "\""
}

package func printable(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(quotedLimit) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: shown += "\u{FFFD}"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return text.unicodeScalars.count > quotedLimit ? shown + "…" : shown
}
