/// All streams of a node by name, for every loop; and those who wait for a stream to appear.
///
/// The lock is taken when somebody comes or goes, never per frame.
import EventLoop
import Packaging

public final class Hub: Sendable {
    public let settings: FanoutSettings
    private let table = Lock(Table())
    private let pressures: [Lock<UInt64>]
    private let ended = EndedShelves()

    private struct Table {
        var streams: [StreamName: StreamHandle] = [:]
        var waiters: [StreamName: [Waiter]] = [:]
        var nextWaiter: UInt64 = 1
        var nextNumber: UInt32 = 1

        /// A stream's number on relay links: not 0, and not one that was in use a moment ago.
        mutating func takeNumber() -> UInt32 {
            defer { nextNumber = nextNumber == .max ? 1 : nextNumber + 1 }
            return nextNumber
        }
    }

    private struct Waiter: Sendable {
        let id: UInt64
        let mailbox: Mailbox
        let appeared: @Sendable (Loop, StreamHandle) -> Void
    }

    public init(settings: FanoutSettings, loops: Int) {
        self.settings = settings
        pressures = (0..<loops).map { _ in Lock(0) }
    }

    public var streams: [StreamHandle] { table.with { Array($0.streams.values) } }

    public func find(_ name: StreamName) -> StreamHandle? { table.with { $0.streams[name] } }

    // MARK: Publishing

    /// Asks for the right to publish `name`. The answer comes on the loop of `fanout`, at once or later; on success
    /// that loop is the stream's home.
    public func publish(
        _ name: StreamName, _ publisher: Publisher, on fanout: LoopFanout,
        _ answer: @escaping @Sendable (Loop, Result<StreamHandle, PublishRefusal>) -> Void
    ) {
        enum Found {
            case made(StreamHandle, [Waiter])
            case there(StreamHandle)
            case full
        }
        let found = table.with { table -> Found in
            if let handle = table.streams[name] { return .there(handle) }
            guard table.streams.count < settings.maxStreams else { return .full }
            let handle = StreamHandle(name, hub: self, number: table.takeNumber(), home: fanout)
            table.streams[name] = handle
            return .made(handle, table.waiters.removeValue(forKey: name) ?? [])
        }
        switch found {
        case .full:
            answer(fanout.loop, .failure(.tooManyStreams))
        case .made(let handle, let waiters):
            handle.stream(on: fanout.loop).begin(publisher)
            answer(fanout.loop, .success(handle))
            for waiter in waiters { waiter.mailbox.post { loop in waiter.appeared(loop, handle) } }
        case .there(let handle):
            handle.claim(publisher, for: fanout.door, from: fanout.loop) { loop, result in
                answer(loop, result.map { handle })
            }
        }
    }

    func mayReplace(_ present: Publisher, by other: Publisher) -> Bool {
        guard !present.isUpstream, !other.isUpstream else { return present.isUpstream && !other.isUpstream }
        return switch settings.takeover {
        case .always: true
        case .never: false
        case .same:
            isOutranked(present, by: other) || (present.identity == other.identity && !isOutranked(other, by: present))
        }
    }

    /// Only among encoders that both say which rank they have: they are meant for one another.
    private func isOutranked(_ present: Publisher, by other: Publisher) -> Bool {
        guard let rank = present.priority, let higher = other.priority else { return false }
        return higher > rank
    }

    func remove(_ handle: StreamHandle) {
        table.with { table in
            if table.streams[handle.name] === handle { table.streams[handle.name] = nil }
        }
    }

    // MARK: Packaged streams that have ended

    func keep(_ shelf: Shelf, of name: StreamName) { ended.keep(shelf, of: name) }

    /// Of a stream that has ended a short while ago.
    public func shelf(of name: StreamName) -> Shelf? { ended.find(name) }

    public var endedShelves: [Shelf] { ended.all }

    /// Lets go of those that nobody wants any more; whether any are left. To be called about once a second.
    public func tidyShelves() -> Bool { ended.tidy() }

    // MARK: Waiting

    /// The stream, or a place in the queue of those who are told when it appears.
    public func findOrWait(
        _ name: StreamName, on loop: Loop, _ appeared: @escaping @Sendable (Loop, StreamHandle) -> Void
    ) -> (found: StreamHandle?, ticket: UInt64) {
        table.with { table in
            if let handle = table.streams[name] { return (handle, 0) }
            let id = table.nextWaiter
            table.nextWaiter += 1
            table.waiters[name, default: []].append(Waiter(id: id, mailbox: loop.mailbox, appeared: appeared))
            return (nil, id)
        }
    }

    /// Whether somebody waits for a stream of that name to appear.
    public func isAwaited(_ name: StreamName) -> Bool { table.with { $0.waiters[name] != nil } }

    public func stopWaiting(_ name: StreamName, ticket: UInt64) {
        table.with { table in
            table.waiters[name]?.removeAll { $0.id == ticket }
            if table.waiters[name]?.isEmpty == true { table.waiters[name] = nil }
        }
    }

    // MARK: Pressure

    func pressure(of loop: Loop) -> UInt64 { pressures[loop.index].with { $0 } }

    func setPressure(_ milliseconds: UInt64, of loop: Loop) { pressures[loop.index].with { $0 = milliseconds } }
}
