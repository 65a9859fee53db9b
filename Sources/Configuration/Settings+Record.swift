/// What is recorded of an application's streams, and how the values are written: checked by the module that records.
import Recording

extension Settings {
    public struct Record: Sendable, Equatable {
        public var format = Format.off
        /// The folder below which the files lie; empty is none.
        public var path = ""
        public var pattern = FilePattern.standard
        /// Of a file; 0 is one file for the whole of a publish session.
        public var duration: Milliseconds = 0
        /// Bytes of a file; 0 is no limit.
        public var size = 0
        /// What is older is deleted; 0 keeps everything.
        public var keepAge: Milliseconds = 0
        /// Bytes of an application's files together; 0 is no limit.
        public var keepBytes = 0
        /// Bytes that the file system is to have left; 0 is none.
        public var minFree = 0
        /// Bytes of one recording that may wait for the disk.
        public var queue = RecordingSettings.defaultQueueBytes

        public enum Format: String, Sendable, CaseIterable {
            case off, fmp4, flv, ts

            /// Nil for `off`.
            public var recorded: RecordingFormat? { RecordingFormat(rawValue: rawValue) }
        }

        /// For files of `format`.
        public func settings(_ format: RecordingFormat) -> RecordingSettings {
            // Both limits were checked when they were read.
            let cut = try? CutPolicy(
                duration: duration > 0 ? Int64(duration) : nil, bytes: size > 0 ? Int64(size) : nil)
            return RecordingSettings(format: format, pattern: pattern, cut: cut ?? .never, queueBytes: queue)
        }

        /// What is possible alone and impossible together: the key to blame, what is wrong, and what to do.
        var conflict: (key: String, fault: String, advice: String)? {
            if format != .off, path.isEmpty {
                return ("record.format", "has no folder to record into", "set record.path")
            }
            if duration > 0 || size > 0, !pattern.tellsFilesApart {
                let cutter = duration > 0 ? "record.duration" : "record.size"
                let fault = "gives all files of a stream one name, and \(cutter) cuts many"
                return ("record.pattern", fault, "add {number}, or a field of time")
            }
            if keepBytes > 0, size > keepBytes {
                let fault = "is less than record.size: a file would be deleted as soon as it is finished"
                return ("record.keep_bytes", fault, "raise it, or lower record.size")
            }
            return nil
        }

        public var limits: RetentionPlan.Limits {
            RetentionPlan.Limits(
                keepAge: keepAge > 0 ? Int64(keepAge) : nil, keepBytes: keepBytes > 0 ? Int64(keepBytes) : nil,
                minFree: minFree > 0 ? Int64(minFree) : nil)
        }
    }
}

extension ValueType<Int> {
    static var cutDuration: Self { .duration(Int(CutPolicy.minDuration)...31_536_000_000, orZero: true) }
    static var cutSize: Self { .size(Int(CutPolicy.minBytes)...1 << 50, orZero: true) }
}

extension ValueType<FilePattern> {
    static let filePattern = ValueType(
        expectation: "a path with fields such as {stream}, which ends with .{ext}",
        read: { (texts) throws(ValueFault) in
            do throws(FilePatternError) {
                return try FilePattern(texts[0])
            } catch {
                throw ValueFault(naming: error.description)
            }
        },
        show: \.text)
}

extension ValueFault {
    /// Of a sentence that says what is wrong, and behind a semicolon what to do. The key is named beside it anyway.
    fileprivate init(naming sentence: String) {
        let words = Array(sentence)
        let key = Array("record.pattern ")
        let start = words.starts(with: key) ? key.count : 0
        guard let end = words.lastIndex(of: ";"), end > start, end + 2 < words.count else {
            self.init(sentence, "write a pattern such as \(FilePattern.standard.text)")
            return
        }
        self.init(String(words[start..<end]), String(words[(end + 2)...]))
    }
}
