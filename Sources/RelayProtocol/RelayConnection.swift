/// One connection between two nodes: the handshake, and after it the checks that need no knowledge of streams.
///
/// Both sides send a hello at once. Where both have a secret, each answers the other's hello with a proof; where none
/// has, the hellos suffice; where one has, both refuse. Nothing but these is accepted before. Afterwards both sides may
/// subscribe. The shell writes what it is told to write, closes when it is told to close, and arms the timers.
public struct RelayConnection: Sendable {
    public struct Configuration: Sendable {
        public var node: NodeID
        public var idc: String
        /// Shared by all nodes of the network; nil where the transport alone says who may come.
        public var secret: [UInt8]?
        public var capabilities: RelayCapabilities
        public var versions = RelayVersion.supported
        public var limits = RelayLimits()

        public init(node: NodeID, idc: String, secret: [UInt8]? = nil, capabilities: RelayCapabilities = []) {
            precondition(secret?.isEmpty != true, "an empty secret is none; leave it out")
            self.node = node
            self.idc = idc
            self.secret = secret
            self.capabilities = capabilities
        }
    }

    /// The handshake takes one way. `closed` is final.
    private enum State {
        case fresh
        case awaitingHello
        case awaitingProof(RelayPeer, expected: [UInt8])
        case open(RelayPeer)
        case closed
    }

    public let role: RelayRole
    private let configuration: Configuration
    private let nonce: [UInt8]
    private let transportIdentity: String?
    private let expectedNode: NodeID?
    private var parser: RelayParser
    private var state = State.fresh

    /// `nonce` is 32 bytes from the system's generator, used for this connection alone. `transportIdentity` is the name
    /// in the peer's verified certificate, and `expectedNode` the node that was dialled; where they are given, the
    /// peer's hello has to agree.
    public init(
        role: RelayRole, configuration: Configuration, nonce: [UInt8], transportIdentity: String? = nil,
        expectedNode: NodeID? = nil
    ) {
        precondition(nonce.count == Hello.nonceSize, "a nonce has 32 bytes")
        self.role = role
        self.configuration = configuration
        self.nonce = nonce
        self.transportIdentity = transportIdentity
        self.expectedNode = expectedNode
        parser = RelayParser(limits: configuration.limits)
    }

    /// The other node, once it is known for who it is.
    public var peer: RelayPeer? {
        if case .open(let peer) = state { return peer }
        return nil
    }

    // MARK: Steps

    /// The bytes to send as soon as the transport is there.
    public mutating func start() -> [UInt8] {
        guard case .fresh = state else { preconditionFailure("a connection starts once") }
        state = .awaitingHello
        return RelayMessage.hello(hello).bytes
    }

    /// What to do about `bytes`, which are read from `at` on; to be called until it returns nil.
    public mutating func next(_ bytes: Span<UInt8>, _ at: inout Int) -> RelayAction? {
        if case .closed = state {
            at = bytes.count
            return nil
        }
        do {
            guard let event = try parser.next(bytes, &at) else { return nil }
            switch event {
            case .frameBegins(let header): return .frameBegins(header)
            // The hot path: the parser takes frames from a known peer alone, and they hold no path.
            case .message(.frame(let frame)): return .message(.frame(frame))
            case .message(let message): return try take(message)
            }
        } catch {
            return close(error)
        }
    }

    /// To be called after `.frameBegins`, for a frame that is not wanted: it is passed over without being held.
    public mutating func skipBody() { parser.skipBody() }

    /// Hot. To be asked before `next`: the frame that begins at `at`, and where its body lies, if all of it is there and
    /// the peer is known. No action tells of it then.
    public mutating func takeFrame(
        _ bytes: Span<UInt8>, _ at: inout Int
    ) -> (header: RelayFrame.Header, body: Range<Int>)? {
        guard case .open = state else { return nil }
        return parser.takeFrame(bytes, &at)
    }

    /// `RelayLimits.handshakeNanoseconds` have passed since `start`.
    public mutating func handshakeTimedOut() -> RelayAction? {
        switch state {
        case .open, .closed: nil
        case .fresh, .awaitingHello, .awaitingProof: close(.handshakeTimeout)
        }
    }

    /// Ends the connection for a reason that the shell found, such as too much credit.
    public mutating func close(_ error: RelayError) -> RelayAction {
        state = .closed
        guard let reason = error.refusal else { return .close(error, send: []) }
        let refused = Refused(request: 0, reason: reason, text: error.description)
        return .close(error, send: RelayMessage.refused(refused).bytes)
    }

    // MARK: Messages

    private mutating func take(_ message: RelayMessage) throws(RelayError) -> RelayAction {
        if case .refused(let refused) = message, refused.request == 0 {
            throw .refusedByPeer(refused.reason, text: refused.text)
        }
        switch (state, message) {
        case (.awaitingHello, .hello(let theirs)): return try greet(theirs)
        case (.awaitingProof(let peer, let expected), .proof(let proof)):
            guard Proof.isEqual(proof, expected) else { throw .wrongProof(peer.node) }
            return open(peer)
        case (.open, .hello), (.open, .proof): throw .afterHandshake(message: message.type)
        case (.open(let peer), _): return try route(message, from: peer)
        default: throw .beforeHandshake(type: message.type.rawValue)
        }
    }

    private var hello: Hello {
        var capabilities = configuration.capabilities
        if configuration.secret != nil { capabilities.insert(.proof) } else { capabilities.remove(.proof) }
        return Hello(
            versions: configuration.versions, node: configuration.node, idc: configuration.idc, nonce: nonce,
            capabilities: capabilities)
    }

    private mutating func greet(_ theirs: Hello) throws(RelayError) -> RelayAction {
        guard let version = RelayVersion.common(configuration.versions, theirs.versions) else {
            throw .noCommonVersion(ours: configuration.versions, theirs: theirs.versions)
        }
        // Before the ids: of a connection that somebody reflects, the nonce tells more.
        guard theirs.nonce != nonce else { throw .nonceReflected }
        guard theirs.node != configuration.node else { throw .selfConnection(theirs.node) }
        if let transportIdentity, transportIdentity != theirs.node.name {
            throw .identityMismatch(transport: transportIdentity, claimed: theirs.node)
        }
        if let expectedNode, expectedNode != theirs.node {
            throw .unexpectedNode(expected: expectedNode, claimed: theirs.node)
        }
        let peer = RelayPeer(
            node: theirs.node, idc: theirs.idc, version: version, capabilities: theirs.capabilities)
        let demandsProof = theirs.capabilities.contains(.proof)
        guard let secret = configuration.secret else {
            guard !demandsProof else { throw .secretDemanded }
            return open(peer)
        }
        guard demandsProof else { throw .secretMissing(theirs.node) }
        let ourBody = Array(RelayMessage.hello(hello).bytes.dropFirst(MessageHeader.size))
        let expected = Proof.make(secret: secret, role: role.other, mine: parser.hello, theirs: ourBody)
        state = .awaitingProof(peer, expected: expected)
        return .send(
            RelayMessage.proof(Proof.make(secret: secret, role: role, mine: ourBody, theirs: parser.hello)).bytes)
    }

    private mutating func open(_ peer: RelayPeer) -> RelayAction {
        state = .open(peer)
        parser.open()
        return .authenticated(peer)
    }

    /// A stream whose path cannot be extended by this node is refused here, so that no shell can forget to.
    private func route(_ message: RelayMessage, from peer: RelayPeer) throws(RelayError) -> RelayAction {
        guard let path = message.path else { return .message(message) }
        // A path that leaves its teller out would hide a loop.
        guard path.nodes.last == peer.node else { throw .pathOfAnother(peer: peer.node, path: path.description) }
        do {
            _ = try path.extended(by: configuration.node)
            return .message(message)
        } catch {
            let stream = message.stream
            return .misrouted(message, error, send: stream == 0 ? [] : RelayMessage.unsubscribe(stream: stream).bytes)
        }
    }
}
