/// Everything that nodes say to one another.
public enum RelayMessage: Sendable, Equatable {
    case hello(Hello)
    case proof([UInt8])
    case subscribe(Subscribe)
    case subscribed(Subscribed)
    case refused(Refused)
    /// From child to parent: so many bytes more of this stream may be sent.
    case credit(stream: UInt32, bytes: UInt32)
    case frame(RelayFrame)
    case end(stream: UInt32, reason: EndReason, text: String)
    /// Subscribe there instead; frames go on until the child unsubscribes.
    case moved(stream: UInt32, places: [RelayPlace])
    /// From child to parent; frames that are on their way are to be passed over.
    case unsubscribe(stream: UInt32)
    case ping(Ping)
    case pong(Pong)
    /// The stream comes another way now.
    case path(stream: UInt32, RelayPath)
    case announce(Announce)
    case withdraw(RelayStreamName, epoch: UInt64)
    /// A newer publish session of the stream is known. The number is 0 where the stream has none on this connection.
    case fenced(stream: UInt32, RelayStreamName, newer: UInt64)
    case goaway(Goaway)
    case register(Register)
    case load(Load)
    case carry(Carry)
    case want(Want)
    /// From node to dispatcher: no route is needed any more.
    case unwant(RelayStreamName)
    case steer(Steer)
    case room(Room)
    /// From dispatcher to node: the session that publishes the stream here goes on under this epoch.
    case raise(RelayStreamName, from: UInt64, to: UInt64)
    case allow(Allow)
    case used(Used)

    public var type: MessageType {
        switch self {
        case .hello: .hello
        case .proof: .proof
        case .subscribe: .subscribe
        case .subscribed: .subscribed
        case .refused: .refused
        case .credit: .credit
        case .frame: .frame
        case .end: .end
        case .moved: .moved
        case .unsubscribe: .unsubscribe
        case .ping: .ping
        case .pong: .pong
        case .path: .path
        case .announce: .announce
        case .withdraw: .withdraw
        case .fenced: .fenced
        case .goaway: .goaway
        case .register: .register
        case .load: .load
        case .carry: .carry
        case .want: .want
        case .unwant: .unwant
        case .steer: .steer
        case .room: .room
        case .raise: .raise
        case .allow: .allow
        case .used: .used
        }
    }

    /// The number in the message's header.
    var stream: UInt32 {
        switch self {
        case .subscribed(let subscribed): subscribed.stream
        case .frame(let frame): frame.header.stream
        case .credit(let stream, _), .end(let stream, _, _), .moved(let stream, _), .unsubscribe(let stream),
            .path(let stream, _), .fenced(let stream, _, _):
            stream
        default: 0
        }
    }

    /// The path that the message tells, which the receiver has to be able to extend by itself. `steer` tells several, of
    /// which the receiver passes over those that it cannot use.
    var path: RelayPath? {
        switch self {
        case .subscribed(let subscribed): subscribed.path
        case .path(_, let path): path
        case .announce(let announce): announce.path
        default: nil
        }
    }
}
