/// The far end of a connection between nodes: reads what a trunk writes, frame by frame. The near end answers as a
/// node's session does.
import EventLoop
import Fixtures
import Glibc
import Media
import RelayProtocol
import TLS

@testable import Fanout

final class Child: ConnectionHandler {
    let trunk: RelayTrunk
    let connection: Connection
    private(set) var outlets: [RelayOutlet] = []
    private(set) var starts: [(first: FrameNumber, continuity: Continuity)] = []
    private(set) var ends: [ViewerEnd] = []
    private(set) var refusals = 0
    private(set) var frames: [RelayFrame] = []
    /// Streams whose answer has come; a node passes over the frames of others.
    private(set) var answered: Set<UInt32> = []
    /// Frames that came before the answer.
    private(set) var strays = 0
    private var parser = RelayParser(limits: RelayLimits())
    private let studio: Studio
    private let descriptor: Int32
    private let intake: Intake
    /// Where the connection is sealed.
    private var tls: TLSSession?

    init(_ studio: Studio, on index: Int = 0, sendBuffer: Int32 = 0, sealed: Bool = false) throws {
        self.studio = studio
        var pair: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        if sendBuffer > 0 {
            var size = sendBuffer
            setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        descriptor = pair[1]
        intake = Intake(descriptor)
        connection = Connection(pair[0], peer: Address(host: "192.0.2.8", port: 1), on: studio.fanouts[index].loop)!
        trunk = RelayTrunk(connection)
        parser.open()
        connection.start(self)
        if sealed { try seal() }
    }

    private func seal() throws {
        let server = try TLSContext(
            role: .server,
            identities: [.init(certificate: Certificates.file("one.pem"), key: Certificates.file("one.key"))])
        let client = try TLSContext(role: .client, identities: [], authorities: Certificates.file("ca.pem"))
        let session = TLSSession(client, host: "one.example")
        tls = session
        connection.secure(TLSSession(server))
        try session.start()
        while !session.isEstablished || connection.security?.isEstablished != true {
            let words = session.takeOutput()
            precondition(send(descriptor, words, words.count, 0) == words.count)
            studio.settle()
            try read()
        }
    }

    @discardableResult func subscribe(
        _ handle: StreamHandle, _ from: ResumePoint, needed: FrameNumber? = nil, credit: UInt32 = 64 << 20,
        serviceClass: UInt8 = 0, on index: Int = 0
    ) -> RelayOutlet {
        let outlet = RelayOutlet(
            handle, from: from, needed: needed, credit: credit, serviceClass: serviceClass, over: trunk,
            onStart: { [unowned self] first, continuity in
                starts.append((first, continuity))
                let answer = Subscribed(
                    request: UInt32(starts.count), stream: handle.number, first: first, continuity: continuity,
                    path: RelayPath(ingest: NodeID("origin")!))
                trunk.send(RelayMessage.subscribed(answer).bytes)
            },
            onRefused: { [unowned self] in refusals += 1 },
            onEnd: { [unowned self] in ends.append($0) })
        outlets.append(outlet)
        studio.fanouts[index].attach(outlet)
        studio.settle()
        return outlet
    }

    /// Reads at most `limit` bytes. Returns how many there were.
    @discardableResult func read(limit: Int = .max) throws -> Int {
        let bytes = intake.take(atMost: limit)
        guard !bytes.isEmpty else { return 0 }
        guard let tls else {
            try take(bytes.span)
            return bytes.count
        }
        var plain: [UInt8] = []
        var record = [UInt8](repeating: 0, count: TLSSession.recordSize)
        try bytes.withUnsafeBytes { sealed in
            try record.withUnsafeMutableBufferPointer { record in
                try tls.receive(sealed, through: record) { bytes in
                    plain += Array(bytes)
                    return true
                }
            }
        }
        try take(plain.span)
        return bytes.count
    }

    private func take(_ bytes: Span<UInt8>) throws {
        var at = 0
        while let event = try parser.next(bytes, &at) {
            switch event {
            case .message(.frame(let frame)):
                frames.append(frame)
                if !answered.contains(frame.header.stream) { strays += 1 }
            case .message(.subscribed(let answer)): answered.insert(answer.stream)
            default: break
            }
        }
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
