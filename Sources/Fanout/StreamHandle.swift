/// A stream, as other loops know it: something to send work to, wherever its home is at present.
///
/// `@unchecked Sendable` is sound: `stream` is touched only inside `onHome`, which runs on the loop that `home` names,
/// and `home` changes only on that very loop. While the stream is on its way to another loop nobody touches it.
import EventLoop
import FLV
import Media
import Packaging
import Synchronization

public final class StreamHandle: @unchecked Sendable {
    public let name: StreamName
    public let number: UInt32
    let hub: Hub
    private var stream: Stream!
    private let home: Lock<Home>
    private let closed = Lock(false)
    private let shelf = Lock<Shelf?>(nil)
    private let described = Lock<[String]>([])
    private let kilobits = Atomic<Int>(0)

    private struct Home: Sendable {
        var door: LoopFanout.Door
        var isArriving = false
    }

    init(_ name: StreamName, hub: Hub, number: UInt32, home fanout: LoopFanout) {
        self.name = name
        self.number = number
        self.hub = hub
        home = Lock(Home(door: fanout.door))
        stream = Stream(name, handle: self, settings: hub.settings, number: number, on: fanout.loop)
    }

    public var isClosed: Bool { closed.with { $0 } }

    /// What its publisher sends in a second, as its home loop has measured it last.
    public var kilobitsIn: Int {
        get { kilobits.load(ordering: .relaxed) }
        set { kilobits.store(newValue, ordering: .relaxed) }
    }

    /// Runs `work` on the home loop: at once if that is `loop`, else when its turn comes. If the stream moves in the
    /// meantime, the work follows it.
    public func onHome(from loop: Loop?, _ work: @escaping @Sendable (Stream) -> Void) {
        let home = home.with { $0 }
        if let loop, loop.mailbox === home.door.mailbox, !home.isArriving { return work(stream) }
        home.door.mailbox.post { [self] loop in
            onHome(from: loop, work)
        }
    }

    /// Makes `publisher` the stream's publisher if the policy allows, and its loop the stream's home. `granted` and
    /// `refused` run on the publisher's loop.
    func claim(
        _ publisher: Publisher, for door: LoopFanout.Door, from loop: Loop,
        _ answer: @escaping @Sendable (Loop, Result<Void, PublishRefusal>) -> Void
    ) {
        onHome(from: loop) { [self] stream in
            if let present = stream.publisher {
                guard hub.mayReplace(present, by: publisher) else {
                    door.run(from: stream.loop) { answer($0, .failure(.busy(publisher: present.address))) }
                    return
                }
                present.end(.replaced(by: publisher.session))
            }
            stream.leaveLoop()
            stream.publisher = publisher
            let previous = stream.loop
            home.with { $0 = Home(door: door, isArriving: true) }
            door.run(from: previous) { [self] loop in
                home.with { $0.isArriving = false }
                self.stream.enterLoop(loop)
                self.stream.begin(publisher)
                answer(loop, .success(()))
            }
        }
    }

    /// The stream itself, for its home loop.
    public func stream(on loop: Loop) -> Stream {
        precondition(home.with { $0.door.mailbox } === loop.mailbox, "a stream is touched by its home loop only")
        return stream
    }

    /// The stream, if that loop is its home at present.
    public func streamIfHome(on loop: Loop) -> Stream? {
        let home = home.with { $0 }
        return home.door.mailbox === loop.mailbox && !home.isArriving ? stream : nil
    }

    /// Where the stream is packaged, which begins now if it has not.
    /// `keeper` has its segments, if it begins.
    public func packaged(
        _ settings: @autoclosure () -> PackageSettings, keeper: SegmentKeeper? = nil, from loop: Loop
    ) -> Shelf {
        let (shelf, isNew) = shelf.with { present in
            if let present { return (present, false) }
            let made = Shelf(settings(), keeper: keeper)
            present = made
            return (made, true)
        }
        if isNew { onHome(from: loop) { $0.package(on: shelf) } }
        return shelf
    }

    /// What has been packaged, if anything is.
    public var shelfIfAny: Shelf? { shelf.with { $0 } }

    /// The stream's codecs as RFC 6381 calls them, pictures first, as far as they are known.
    public var codecs: [String] { described.with { $0 } }

    func describe(_ description: StreamDescription) {
        let codecs = [description.video?.codecString, description.audio?.codecString].compactMap { $0 }
        described.with { $0 = codecs }
    }

    func forget(_ shelf: Shelf) { self.shelf.with { if $0 === shelf { $0 = nil } } }

    /// Ends the stream: its viewers are told, and its name is free. Home loop only.
    public func close(_ reason: ViewerEnd) {
        let first = closed.with { closed in
            defer { closed = true }
            return !closed
        }
        guard first else { return }
        hub.remove(self)
        if let shelf = shelfIfAny { hub.keep(shelf, of: name) }
        stream.end(reason)
    }
}
