/// Which recorded files go, oldest first: those that are too old, then as many as it takes to keep below the limit of
/// bytes, then as many as it takes to have the free space that is asked for.
///
/// Pure and deterministic. A file that is being written counts as used space, and is never chosen.
public enum RetentionPlan {
    public struct File: Sendable, Equatable {
        /// Tells files apart, and orders those of one age.
        public var path: String
        public var bytes: Int64
        /// Microseconds of Unix time.
        public var finished: Int64
        public var isOpen: Bool

        public init(path: String, bytes: Int64, finished: Int64, isOpen: Bool = false) {
            self.path = path
            self.bytes = bytes
            self.finished = finished
            self.isOpen = isOpen
        }
    }

    public struct Limits: Sendable, Equatable {
        /// Milliseconds since a file was finished.
        public var keepAge: Int64?
        /// Of all files together.
        public var keepBytes: Int64?
        /// Bytes that the file system is to have left. Files are deleted for it before a recording is stopped for it.
        public var minFree: Int64?

        public init(keepAge: Int64? = nil, keepBytes: Int64? = nil, minFree: Int64? = nil) {
            self.keepAge = keepAge
            self.keepBytes = keepBytes
            self.minFree = minFree
        }

        public static let none = Limits()
        public var isNone: Bool { self == .none }
    }

    public enum Cause: String, Sendable { case age, bytes, space }

    public struct Deletion: Sendable, Equatable {
        public var file: File
        public var cause: Cause
    }

    /// `free` is nil when the file system does not tell.
    public static func choose(_ files: [File], now: Int64, limits: Limits, free: Int64?) -> [Deletion] {
        guard !limits.isNone else { return [] }
        let candidates = files.filter { !$0.isOpen }.sorted {
            ($0.finished, $0.path) < ($1.finished, $1.path)
        }
        // Sums that saturate: an index may say anything.
        var total = files.reduce(Int64(0)) { sum($0, $1.bytes) }
        var free = free
        return candidates.compactMap { file in
            guard let cause = cause(file, now, limits, total, free) else { return nil }
            total -= max(0, file.bytes)
            free = free.map { sum($0, file.bytes) }
            return Deletion(file: file, cause: cause)
        }
    }

    private static func cause(_ file: File, _ now: Int64, _ limits: Limits, _ total: Int64, _ free: Int64?) -> Cause? {
        if let keep = limits.keepAge {
            let (age, overflow) = now.subtractingReportingOverflow(file.finished)
            if !overflow, age / 1000 > keep { return .age }
        }
        if let keep = limits.keepBytes, total > keep { return .bytes }
        if let minimum = limits.minFree, let free, free < minimum { return .space }
        return nil
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(max(0, right))
        return overflow ? .max : sum
    }
}
