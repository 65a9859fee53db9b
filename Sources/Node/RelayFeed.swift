/// One parent's delivery of one stream, as the node asked for it.
import EventLoop
import RelayProtocol

final class RelayFeed {
    /// Which source of the upstream's merge it is.
    let source: Int
    /// Until it is given up or lost. Asked for each frame, which a weak reference would make dear.
    var upstream: Upstream?
    /// The parent's number for the stream, once it has agreed.
    var stream: UInt32?
    var meter: CreditMeter
    let remote: String
    /// Which knows this feed in turn, until one of them lets go (`leave`). A weak reference would make every count of the
    /// session dear.
    var session: RelaySession?
    var request: UInt32?
    var path: RelayPath?
    /// Whether frames came for it in this read, and for which feed before it.
    var isTouched = false
    var touchedBefore: Unmanaged<RelayFeed>?
    /// It goes as soon as another delivers.
    var isLeaving = false
    /// The parent itself wants to be left: a way that leads through it is none.
    var isSentAway = false

    init(source: Int, remote: String, window: Int, for upstream: Upstream) {
        self.source = source
        self.remote = remote
        self.upstream = upstream
        meter = CreditMeter(window: UInt32(clamping: window))
    }

    var isDelivering: Bool { stream != nil }

    func giveUp() {
        session?.giveUp(self)
        leave()
        upstream = nil
    }

    /// The session asks for it no more.
    func leave() { session = nil }
}
