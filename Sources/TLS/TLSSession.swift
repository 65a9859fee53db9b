/// One side of a TLS connection, without a socket: ciphertext goes in and comes out, and so does plain text.
///
/// What is sent is sealed straight from the caller's memory into the caller's buffer; only the handshake's own bytes are
/// kept here until they are taken. A session lives on one thread.
import COpenSSL
import Glibc

public final class TLSSession {
    private let context: TLSContext
    private let session: OpaquePointer
    private let wire: UnsafeMutablePointer<TLSWire>
    public private(set) var isEstablished = false
    /// The peer has said that it sends nothing more.
    public private(set) var isClosedByPeer = false

    /// Plain bytes of a record, and what a record adds to them at the most: header, nonce, type, tag.
    public static let recordSize = 16_384
    public static let recordOverhead = 64

    /// Records that one key may seal with AES-GCM are 2^24.5 (RFC 8446 §5.5); the session's own words are among them.
    static let recordsPerKey: UInt64 = 1 << 24
    var recordsPerKey = TLSSession.recordsPerKey
    /// Sealed since the key was renewed here.
    private var records: UInt64 = 0
    private(set) var keysRenewed = 0
    /// The peer has asked for a new key and not been answered. OpenSSL's word, kept here for the hot path.
    private var isKeyAsked = false

    /// - Parameter host: of a client, the name that the server has to stand for.
    public init(_ context: TLSContext, host: String? = nil) {
        self.context = context
        session = SSL_new(context.context)!
        wire = .allocate(capacity: 1)
        wire.initialize(to: TLSWire())
        let bio = TLSWire.makeBIO(wire)
        SSL_set_bio(session, bio, bio)
        if context.role == .server { SSL_set_accept_state(session) } else { SSL_set_connect_state(session) }
        if let host, context.role == .client {
            // An address is no name to ask for (RFC 6066 §3); what the certificate stands for is checked all the same.
            if !TLSSession.isAddress(host) { _ = cssl_set_server_name(session, host) }
            SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            SSL_set1_host(session, host)
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }

    deinit {
        SSL_free(session)
        wire.deinitialize(count: 1)
        wire.deallocate()
    }

    // MARK: In

    /// The client's first words; a server waits for them.
    public func start() throws(TLSError) { try shakeHands() }

    /// Takes in what the peer sent; `plain` is given what it meant, in `buffer`, as often as there is some. It says
    /// whether it wants more: a caller that has closed the connection does not.
    ///
    /// `buffer` has room for a record: what is left of one would wait inside until more comes.
    public func receive(
        _ bytes: UnsafeRawBufferPointer, through buffer: UnsafeMutableBufferPointer<UInt8>,
        _ plain: (UnsafeBufferPointer<UInt8>) -> Bool
    ) throws(TLSError) {
        wire.pointee.input = bytes
        defer { wire.pointee.input = UnsafeRawBufferPointer(start: nil, count: 0) }
        if !isEstablished {
            try shakeHands()
            guard isEstablished else { return }
        }
        while true {
            ERR_clear_error()
            let count = SSL_read(session, buffer.baseAddress, Int32(buffer.count))
            noteKey()
            if count > 0 {
                guard plain(UnsafeBufferPointer(rebasing: buffer[..<Int(count)])) else { return }
                continue
            }
            switch SSL_get_error(session, count) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
            case SSL_ERROR_ZERO_RETURN:
                isClosedByPeer = true
                return
            default: throw failure()
            }
        }
    }

    private func shakeHands() throws(TLSError) {
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        if result == 1 {
            isEstablished = true
            return
        }
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
        default: throw failure()
        }
    }

    private func failure() -> TLSError {
        let verdict = SSL_get_verify_result(session)
        let reason = TLSError.lastReason
        guard verdict != X509_V_OK, let text = X509_verify_cert_error_string(verdict) else {
            return .session(reason: reason)
        }
        return .session(reason: "the peer's certificate is not trusted: \(String(cString: text))")
    }

    // MARK: Out

    public var hasOutput: Bool { !wire.pointee.kept.isEmpty }

    /// Whether records are sealed here, straight from the caller's memory, and not by way of OpenSSL.
    public var sealsItself: Bool { wire.pointee.sealer != nil }

    /// As on a processor without wide instructions. Before the handshake only.
    func sealNarrowly() { wire.pointee.isWide = false }

    /// What the session itself has to say: handshake, alerts, tickets.
    public func takeOutput() -> [UInt8] {
        defer { wire.pointee.kept = [] }
        return wire.pointee.kept
    }

    /// Seals what the vectors hold behind the first `skipped` bytes, in order, as far as `out` has room for. Returns how
    /// many plain bytes were taken, and how many sealed bytes they have become.
    ///
    /// What `takeOutput` holds was sealed before and has to go before.
    public func seal(
        _ vectors: UnsafePointer<iovec>, _ count: Int, skipping skipped: Int = 0,
        into out: UnsafeMutableRawBufferPointer
    ) -> (taken: Int, sealed: Int) {
        guard isEstablished else { return (0, 0) }
        wire.pointee.output = out
        wire.pointee.written = 0
        defer { wire.pointee.output = UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        guard isKeyGood || renewKey() else { return (0, 0) }
        var plain = VectorReader(vectors, count, skipping: skipped)
        let all = plain.left
        if let sealer = wire.pointee.sealer { seal(&plain, sealer, out) } else { write(&plain, out) }
        return (all - plain.left, wire.pointee.written)
    }

    /// Whether the key may seal on: a peer that has asked for a new one is answered in front of the next record, so that
    /// one who asks often and reads nothing costs nothing.
    private var isKeyGood: Bool { records < recordsPerKey && !isKeyAsked }

    /// To be called behind all that may change OpenSSL's mind.
    private func noteKey() { isKeyAsked = SSL_get_key_update_type(session) != SSL_KEY_UPDATE_NONE }

    private func room(_ out: UnsafeMutableRawBufferPointer) -> Int {
        min(out.count - wire.pointee.written - TLSSession.recordOverhead, TLSSession.recordSize)
    }

    private func seal(_ plain: inout VectorReader, _ sealer: RecordSealer, _ out: UnsafeMutableRawBufferPointer) {
        while plain.left > 0 {
            let size = min(plain.left, room(out))
            guard size > 0 else { return }
            let before = plain
            let sealed = sealer.seal(
                RecordSealer.RecordType.applicationData, &plain, size, into: out.baseAddress! + wire.pointee.written)
            guard sealed > 0 else {
                plain = before
                return
            }
            wire.pointee.written += sealed
            records += 1
        }
    }

    /// Where OpenSSL has kept the key: a record for each piece, because it wants them in one place.
    private func write(_ plain: inout VectorReader, _ out: UnsafeMutableRawBufferPointer) {
        while plain.left > 0, room(out) > 0 {
            let before = plain
            let piece = plain.next(room(out))
            ERR_clear_error()
            guard SSL_write(session, piece.baseAddress, Int32(piece.count)) == Int32(piece.count) else {
                plain = before
                return
            }
            records += 1
        }
    }

    /// A KeyUpdate (RFC 8446 §4.6.3), sealed with the old key in front of what follows; the peer does the same if asked.
    /// TLS 1.2 has none, and no such limit.
    func renewKey(askingPeer: Bool = false) -> Bool {
        records = 0
        guard SSL_version(session) == TLS1_3_VERSION else { return true }
        keysRenewed += 1
        ERR_clear_error()
        let kind = askingPeer ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED
        defer { noteKey() }
        return SSL_key_update(session, kind) == 1 && SSL_do_handshake(session) == 1
    }

    /// Tells the peer that nothing more comes; the words are in `takeOutput`.
    public func close() {
        guard isEstablished else { return }
        ERR_clear_error()
        _ = SSL_shutdown(session)
    }

    // MARK: What was agreed on

    /// The protocol chosen by ALPN.
    public var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &count)
        guard let name, count > 0 else { return nil }
        return String(validating: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }

    public var version: String { String(cString: SSL_get_version(session)) }
    public var cipher: String { SSL_get_current_cipher(session).map { String(cString: SSL_CIPHER_get_name($0)) } ?? "" }
    public var isResumed: Bool { SSL_session_reused(session) == 1 }

    /// The names that the peer's certificate stands for; empty without one.
    public var peerNames: [String] {
        guard let certificate = SSL_get1_peer_certificate(session) else { return [] }
        defer { X509_free(certificate) }
        return TLSIdentity.hosts(of: certificate)
    }

    /// To be given to the client's next session with the same server.
    public var resumption: TLSResumption? { SSL_get1_session(session).map { TLSResumption($0) } }

    public func resume(_ resumption: TLSResumption) { SSL_set_session(session, resumption.session) }
}

/// A session that can be taken up again. `@unchecked Sendable` is sound: OpenSSL counts its owners atomically, and
/// nothing in it changes.
public final class TLSResumption: @unchecked Sendable {
    let session: OpaquePointer
    init(_ session: OpaquePointer) { self.session = session }
    deinit { SSL_SESSION_free(session) }
}
