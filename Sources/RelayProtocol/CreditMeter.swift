/// The receiver's side of a stream's credit: notices a parent that sends without, and says when to grant more.
///
/// Credit goes back when half the window has been taken in, so that a stream in good health never waits: one message
/// of ten bytes and four per half window. Invariant: `balance` is never below what the sender believes to have.
public struct CreditMeter: Sendable, Equatable {
    /// Bytes that may be on their way or unread: twice what the link carries in one round trip, at least.
    public let window: UInt32
    private var balance: Int64
    private var consumed: Int64 = 0

    public init(window: UInt32) {
        precondition(window > 0 && Int64(window) <= RelayLimits.credit, "a credit window has 1 ... 256 MiB")
        self.window = window
        balance = Int64(window)
    }

    /// A frame of this many bytes on the wire came in.
    public mutating func receive(_ bytes: Int) throws(RelayError) {
        guard balance > 0 else { throw .creditExceeded(bytes: bytes) }
        balance -= Int64(bytes)
    }

    /// The shell is done with that many of the bytes received. Returns what to grant now, if anything.
    public mutating func consume(_ bytes: Int) -> UInt32? {
        consumed += Int64(bytes)
        guard consumed >= Int64(window) / 2, consumed > 0 else { return nil }
        // More than the window is never outstanding, and the largest frame fits 32 bits.
        let grant = UInt32(clamping: consumed)
        balance += Int64(grant)
        consumed -= Int64(grant)
        return grant
    }
}
