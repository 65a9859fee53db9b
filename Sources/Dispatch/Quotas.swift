/// Limits of single streams and of whole applications, and how much of them is in use.
struct Quotas: Sendable {
    private var appNumbers: [String: Int] = ["": 0]
    private var apps: [Use] = [Use()]
    /// Only streams with a limit of their own.
    private var streams: [Int: Use] = [:]

    private struct Use: Sendable {
        var quota: Quota?
        var viewers = 0
        var kilobits = 0
    }

    mutating func number(ofApp app: String) -> Int {
        if let known = appNumbers[app] { return known }
        appNumbers[app] = apps.count
        apps.append(Use())
        return apps.count - 1
    }

    mutating func set(_ quota: Quota?, app: Int) { apps[app].quota = quota }

    mutating func set(_ quota: Quota?, stream: Int, viewers: Int) {
        guard let quota else {
            streams[stream] = nil
            return
        }
        streams[stream] = Use(quota: quota, viewers: viewers)
    }

    mutating func add(viewers: Int, rate: Int, app: Int) {
        apps[app].viewers += viewers
        apps[app].kilobits += viewers * rate
    }

    mutating func add(viewers: Int, stream: Int) {
        guard !streams.isEmpty else { return }
        streams[stream]?.viewers += viewers
    }

    /// What one more viewer would pass the hard mark of.
    func shortage(stream: Int, app: Int, rate: Int) -> Shortage? {
        if let use = streams[stream], let quota = use.quota {
            if let short = quota.shortage(viewers: use.viewers + 1, kilobits: (use.viewers + 1) * rate) { return short }
        }
        guard let quota = apps[app].quota else { return nil }
        return quota.shortage(viewers: apps[app].viewers + 1, kilobits: apps[app].kilobits + rate)
    }
}

/// What one stream or one application may use of the whole network.
public struct Quota: Hashable, Sendable {
    public var viewers: Mark?
    /// Mbit/s to viewers.
    public var out: Mark?

    public init(viewers: Mark? = nil, out: Mark? = nil) {
        self.viewers = viewers
        self.out = out
    }

    func shortage(viewers count: Int, kilobits: Int) -> Shortage? {
        if let viewers, Double(count) > viewers.hard { return .sessions }
        if let out, Double(kilobits) > out.hard * kilobitsPerMegabit { return .out }
        return nil
    }
}
