//! From site to site: where a publisher connects to, and where and when again when a connection is lost.

struct Journey {
    private let sites: [Site]
    private var place: Int
    /// Seconds before the next connection; nil if there is to be none.
    private let pause: Double?
    private(set) var reconnects = 0
    /// Why the last connection was lost.
    private(set) var lastReason: String?

    /// Publishers begin at sites in turn.
    init(_ sites: [Site], ofStream index: Int, pause: Double?) {
        self.sites = sites
        place = index % sites.count
        self.pause = pause
    }

    var site: Site { sites[place] }

    /// The connection is lost: when to make the next, on the machine's clock; nil if there is to be none.
    mutating func lost(_ reason: String) -> UInt64? {
        lastReason = reason
        return pause.map { now() + nanoseconds($0) }
    }

    mutating func goOn() {
        reconnects += 1
        place = (place + 1) % sites.count
    }
}
