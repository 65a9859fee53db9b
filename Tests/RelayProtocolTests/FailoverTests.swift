import Media
import Testing

@testable import RelayProtocol

/// Whole nodes in memory: a parent with a log, a child with a gate, and the bytes between them.
struct FailoverTests {
    @Test("a child whose parents die at any byte gets every frame once, in order")
    func exactFailover() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            var world = World(&random)
            for life in 0..<6 {
                world.connect(life)
                for _ in 0..<(20 + random.below(60)) { world.turn(&random) }
                // The connection breaks wherever it is, in the middle of a frame too.
                world.child.receive(Array(world.wire.prefix(random.below(world.wire.count + 1))))
                world.disconnect()
            }
            world.connect(9)
            for _ in 0..<2000 where world.got.last != world.log.last { world.turn(&random) }
            #expect(world.got == world.log, "seed \(seed): \(world.got.count) of \(world.log.count)")
            let counters = world.gate.counters
            #expect(counters.lost == 0 && counters.duplicates == 0 && counters.undecodable == 0, "seed \(seed)")
        }
    }
}

/// One stream, one child, one parent at a time; every parent has the same log, as relays of one stream have.
private struct World {
    var log: [RelayFrame] = []
    var gate = FrameGate(next: FrameNumber(startOf: 3))
    var child = Shell(.initiator, "edge")
    var parent = Shell(.responder, "relay")
    /// From the parent to the child.
    var wire: [UInt8] = []
    var got: [RelayFrame] = []
    private var seen = 0
    private var sent = 0
    private var isServing = false
    private var meter = CreditMeter(window: 2000)
    private var window = CreditWindow(initial: 0)
    private var sequence: UInt64 = 0

    init(_ random: inout Random) { for _ in 0..<10 { publish(&random) } }

    mutating func publish(_ random: inout Random) {
        sequence += 1
        log.append(frame(sequence, epoch: 3, body: random.bytes(random.below(900))))
    }

    mutating func connect(_ life: Int) {
        child = Shell(.initiator, "edge")
        parent = Shell(.responder, "relay\(life)")
        Shell.talk(&child, &parent)
        seen = child.actions.count
        meter = CreditMeter(window: 2000)
        wire = []
        isServing = false
        let subscribe = Subscribe(
            request: 1, name: RelayStreamName(app: "live", name: "cam")!, from: gate.resumePoint, credit: meter.window)
        parent.receive(RelayMessage.subscribe(subscribe).bytes)
        serve(life)
    }

    mutating func disconnect() {
        takeIn()
        gate.detach(1)
    }

    /// The parent answers the subscription.
    private mutating func serve(_ life: Int) {
        guard case .message(.subscribe(let subscribe)) = parent.actions.last,
            let next = log.last?.header.number.successor,
            let resumption = Resumption(
                subscribe.from, in: .init(oldest: log[0].header.number, next: next, keyframe: nil))
        else {
            Issue.record("the subscription did not arrive")
            return
        }
        let subscribed = Subscribed(
            request: 1, stream: 5, first: resumption.first, continuity: resumption.continuity,
            path: path("ingest", "relay\(life)"))
        #expect(subscribed.continuity == .exact)
        wire += RelayMessage.subscribed(subscribed).bytes
        window = CreditWindow(initial: subscribe.credit)
        sent = Int(resumption.first.sequence - FrameNumber.firstSequence)
        isServing = true
    }

    /// The publisher, the parent and the child each do a little; the bytes arrive in pieces.
    mutating func turn(_ random: inout Random) {
        if random.chance(20) && log.count < 150 { publish(&random) }
        while isServing && sent < log.count, window.spend(log[sent].header.wireSize) {
            log[sent].append(to: &wire)
            sent += 1
        }
        let piece = random.below(min(1500, wire.count + 1))
        child.receive(Array(wire.prefix(piece)))
        wire.removeFirst(piece)
        takeIn()
    }

    /// The child does what its connection told it.
    private mutating func takeIn() {
        for action in child.actions[seen...] {
            guard case .message(let message) = action else { continue }
            switch message {
            case .subscribed(let subscribed): gate.attach(1, at: subscribed.first)
            case .frame(let frame):
                #expect(throws: Never.self) { try meter.receive(frame.header.wireSize) }
                if case .accept = gate.offer(frame.header, from: 1) { got.append(frame) }
                if let grant = meter.consume(frame.header.wireSize) {
                    #expect(throws: Never.self) { try window.grant(grant) }
                }
            default: Issue.record("unexpected \(message)")
            }
        }
        seen = child.actions.count
    }
}
