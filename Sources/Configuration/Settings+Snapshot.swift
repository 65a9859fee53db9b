/// Pictures of streams, and how the program is written that makes them.
extension Settings {
    public struct Snapshot: Sendable, Equatable {
        /// A name that is looked for in `PATH`, or a path; empty is off.
        public var ffmpeg = "ffmpeg"
        /// Columns of a picture, at most.
        public var width = 1_280
        /// How long a picture will do, whatever has come since.
        public var cache: Milliseconds = 5_000
        /// What a program is given, and what a picture waits for its turn.
        public var timeout: Milliseconds = 5_000
        /// Programs at one time.
        public var processes = 2
    }
}

extension ValueType<String> {
    /// Of a program, or `off` for none.
    static let program = ValueType(
        expectation: "a program's name, its whole path, or off",
        read: { (texts) throws(ValueFault) in
            let text = texts[0]
            if text == "off" { return "" }
            let isWhole = text.hasPrefix("/") || !text.utf8.contains(UInt8(ascii: "/"))
            guard isWhole, !text.isEmpty, text.utf8.count < 4_096, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else {
                throw ValueFault(
                    "\(quoted(text)) is not a program", "give a name to look for in PATH, a path from / on, or off")
            }
            return text
        },
        show: { $0.isEmpty ? "off" : $0 })
}
