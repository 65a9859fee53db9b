/// The sender's side of a stream's credit: how much the child is willing to take.
///
/// Only whole frames are sent, because a frame that stops halfway would hold up the other streams of its connection. A
/// frame may begin while any credit is left, so the balance goes below zero by less than one frame, and a frame larger
/// than the child's whole window still passes.
public struct CreditWindow: Sendable, Equatable {
    /// Bytes; below zero by less than a frame and a prologue; `<= RelayLimits.credit`.
    public private(set) var balance: Int64
    /// How often a frame had to wait for credit, for the stats.
    public private(set) var stalls: UInt64 = 0
    private var isStalled = false

    /// `initial` is the credit in the child's `Subscribe`.
    public init(initial: UInt32) { balance = min(Int64(initial), RelayLimits.credit) }

    /// Whether the next frame may go, whatever its size.
    public var isOpen: Bool { balance > 0 }

    /// A frame of this many bytes on the wire goes. False, and nothing is spent, when the child has to grant first.
    public mutating func spend(_ bytes: Int) -> Bool {
        guard balance > 0 else {
            if !isStalled { stalls += 1 }
            isStalled = true
            return false
        }
        balance -= Int64(bytes)
        return true
    }

    /// Frames of this many bytes in all go, if the credit is enough for every one of them: as if each was spent for.
    public mutating func spendAll(_ bytes: Int) -> Bool {
        guard Int64(bytes) <= balance else { return false }
        balance -= Int64(bytes)
        return true
    }

    /// Bytes that go whether there is credit or not: a prologue, which the child pays back like any frames.
    public mutating func charge(_ bytes: Int) { balance -= Int64(bytes) }

    /// A `credit` message came.
    public mutating func grant(_ bytes: UInt32) throws(RelayError) {
        let sum = balance + Int64(bytes)
        guard sum <= RelayLimits.credit else { throw .creditOverflow(granted: bytes, limit: RelayLimits.credit) }
        balance = sum
        if balance > 0 { isStalled = false }
    }
}
