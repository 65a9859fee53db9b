import Testing

@testable import RelayProtocol

struct CreditTests {
    @Test("frames go while any credit is left, whole, and then wait")
    func spending() throws {
        var window = CreditWindow(initial: 100)
        #expect(window.spend(60) && window.spend(60))
        #expect(window.balance == -20 && !window.isOpen)
        #expect(window.spend(1) == false && !window.spend(1) && window.stalls == 1)
        try window.grant(20)
        #expect(window.spend(1) == false && window.stalls == 1)
        try window.grant(1)
        #expect(window.spend(5) && window.balance == -4)
        #expect(window.spend(1) == false && window.stalls == 2)
    }

    @Test("frames that the credit is enough for are spent for at once, as one by one; others are not spent for")
    func spendingAll() {
        var window = CreditWindow(initial: 100)
        #expect(!window.spendAll(101) && window.balance == 100)
        #expect(window.spendAll(60) && window.spendAll(40) && window.balance == 0)
        #expect(window.spendAll(1) == false && window.stalls == 0)
    }

    @Test("credit beyond the limit is refused, and so is what would overflow")
    func overflow() throws {
        var window = CreditWindow(initial: .max)
        #expect(window.balance == RelayLimits.credit)
        #expect(throws: RelayError.creditOverflow(granted: 1, limit: RelayLimits.credit)) { try window.grant(1) }
        #expect(window.balance == RelayLimits.credit)
        #expect(window.spend(10) == true)
        try window.grant(10)
        #expect(throws: RelayError.creditOverflow(granted: .max, limit: RelayLimits.credit)) {
            try window.grant(.max)
        }
    }

    @Test("a prologue is paid for as well, so that both sides go on counting the same")
    func prologue() throws {
        var window = CreditWindow(initial: 100)
        window.charge(130)
        #expect(window.balance == -30 && window.stalls == 0)
        try window.grant(130)
        #expect(window.balance == 100)
    }

    @Test("credit is granted again by half windows")
    func granting() throws {
        var meter = CreditMeter(window: 100)
        try meter.receive(40)
        #expect(meter.consume(40) == nil)
        try meter.receive(20)
        #expect(meter.consume(20) == 60)
        #expect(meter.consume(0) == nil)
    }

    @Test("a parent that sends without credit is found out")
    func exceeding() throws {
        var meter = CreditMeter(window: 100)
        try meter.receive(99)
        try meter.receive(500)
        #expect(throws: RelayError.creditExceeded(bytes: 1)) { try meter.receive(1) }
    }

    @Test("an honest sender is never found out, never stuck, and has no more than a window and a frame under way")
    func honest() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            let size = UInt32(1 + random.below(5000))
            var sender = CreditWindow(initial: size)
            var receiver = CreditMeter(window: size)
            var onTheWay: [Int] = []
            var unread: [Int] = []
            var grants: [UInt32] = []
            var sent = 0
            var consumed = 0
            for _ in 0..<5000 {
                switch random.below(4) {
                case 0:
                    let bytes = 40 + random.below(3000)
                    if sender.spend(bytes) {
                        onTheWay.append(bytes)
                        sent += bytes
                    }
                case 1 where !onTheWay.isEmpty:
                    try receiver.receive(onTheWay[0])
                    unread.append(onTheWay.removeFirst())
                case 2 where !unread.isEmpty:
                    consumed += unread[0]
                    if let grant = receiver.consume(unread.removeFirst()) { grants.append(grant) }
                case 3 where !grants.isEmpty: try sender.grant(grants.removeFirst())
                default: break
                }
                #expect(sent - consumed < Int(size) + 3040, "seed \(seed)")
            }
            for bytes in onTheWay + unread { if let grant = receiver.consume(bytes) { grants.append(grant) } }
            for grant in grants { try sender.grant(grant) }
            #expect(sender.isOpen, "seed \(seed): everything is read, and the sender still waits")
        }
    }
}
