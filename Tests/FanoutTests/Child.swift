/// The far end of a connection between nodes: reads what a trunk writes, frame by frame.
import EventLoop
import Glibc
import Media
import RelayProtocol

@testable import Fanout

final class Child: ConnectionHandler {
    let trunk: RelayTrunk
    let connection: Connection
    private(set) var outlets: [RelayOutlet] = []
    private(set) var starts: [(first: FrameNumber, continuity: Continuity)] = []
    private(set) var ends: [ViewerEnd] = []
    private(set) var refusals = 0
    private(set) var frames: [RelayFrame] = []
    private var parser = RelayParser(limits: RelayLimits())
    private let studio: Studio
    private let descriptor: Int32

    init(_ studio: Studio, on index: Int = 0, sendBuffer: Int32 = 0) {
        self.studio = studio
        var pair: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        if sendBuffer > 0 {
            var size = sendBuffer
            setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        descriptor = pair[1]
        connection = Connection(pair[0], peer: Address(host: "192.0.2.8", port: 1), on: studio.fanouts[index].loop)!
        trunk = RelayTrunk(connection)
        parser.open()
        connection.start(self)
    }

    @discardableResult func subscribe(
        _ handle: StreamHandle, _ from: ResumePoint, credit: UInt32 = 64 << 20, serviceClass: UInt8 = 0,
        on index: Int = 0
    ) -> RelayOutlet {
        let outlet = RelayOutlet(
            handle, from: from, credit: credit, serviceClass: serviceClass, over: trunk,
            onStart: { [unowned self] in starts.append(($0, $1)) }, onRefused: { [unowned self] in refusals += 1 },
            onEnd: { [unowned self] in ends.append($0) })
        outlets.append(outlet)
        studio.fanouts[index].attach(outlet)
        studio.settle()
        return outlet
    }

    /// Reads at most `limit` bytes. Returns how many there were.
    @discardableResult func read(limit: Int = 1 << 22) throws -> Int {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, Int32(MSG_DONTWAIT))
        guard count > 0 else { return 0 }
        var at = 0
        let span = buffer.span.extracting(0..<count)
        while let event = try parser.next(span, &at) {
            if case .message(.frame(let frame)) = event { frames.append(frame) }
        }
        return count
    }

    func readAll() throws {
        var quiet = 0
        while quiet < 3 {
            studio.settle()
            quiet = try read() == 0 ? quiet + 1 : 0
        }
    }

    var sequences: [UInt64] {
        frames.filter { !$0.header.flags.contains(.prologue) }.map(\.header.number.sequence)
    }

    func leave() {
        for outlet in outlets { outlet.detach() }
        connection.close()
        close(descriptor)
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {}
    func ended(_ reason: ConnectionEnd) {}
    func writable() { trunk.writable() }
}
