/// Counts the frames that cost this side more than the client, and says when there are too many (CVE-2019-9511 and its
/// siblings, rapid reset: CVE-2023-44487, and resets that the server is made to send: CVE-2025-8671).
///
/// Each kind has a bucket that fills with time. The limits are far above what browsers, players and proxies do.
struct FloodGuard {
    enum Kind: Int, CaseIterable {
        case reset, ping, settings, windowUpdate, priority, empty

        /// At once, and then by the second.
        var limits: (burst: Int, perSecond: Int) {
            switch self {
            // Twice what a client can have open: a page that is closed resets all of its streams.
            case .reset: (200, 33)
            case .ping: (100, 10)
            case .settings: (20, 1)
            // And four for each DATA frame that was sent: some clients answer each with two.
            case .windowUpdate: (2_000, 200)
            // And two for each request.
            case .priority: (200, 20)
            case .empty: (100, 10)
            }
        }

        var slug: String {
            switch self {
            case .windowUpdate: "window_update"
            default: "\(self)"
            }
        }

        var plural: String {
            switch self {
            case .reset: "streams that were reset"
            case .ping: "pings"
            case .settings: "settings"
            case .windowUpdate: "window updates"
            case .priority: "priorities"
            case .empty: "empty frames"
            }
        }

        var limitText: String { "\(limits.burst) at once and \(limits.perSecond) a second" }
    }

    /// Thousandths of a frame, so that milliseconds count in whole numbers.
    private struct Bucket {
        var left: Int
        var filled: UInt64
    }

    private var buckets: [Bucket]

    init(now: UInt64) {
        buckets = Kind.allCases.map { Bucket(left: $0.limits.burst * 1_000, filled: now) }
    }

    /// One frame of that kind; false if it is one too many.
    mutating func spend(_ kind: Kind, now: UInt64) -> Bool {
        let limits = kind.limits
        var bucket = buckets[kind.rawValue]
        if now > bucket.filled {
            // An hour fills any bucket: no overflow, however late the clock.
            let passed = Int(min(now - bucket.filled, 3_600_000))
            bucket.left = min(limits.burst * 1_000, bucket.left + passed * limits.perSecond)
            bucket.filled = now
        }
        let isLeft = bucket.left >= 1_000
        if isLeft { bucket.left -= 1_000 }
        buckets[kind.rawValue] = bucket
        return isLeft
    }

    /// What the client was given a reason for.
    mutating func earn(_ kind: Kind, _ frames: Int) {
        let most = kind.limits.burst * 1_000
        buckets[kind.rawValue].left = min(most, buckets[kind.rawValue].left + frames * 1_000)
    }
}
