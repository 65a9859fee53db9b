/// What sessions of one listener, or to one kind of server, have in common: certificates, trusted authorities, protocols.
///
/// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption, nothing older or weaker. `@unchecked Sendable` is
/// sound: nothing changes after `init`, and OpenSSL makes sessions from one context on any thread.
import COpenSSL

public final class TLSContext: @unchecked Sendable {
    public struct Files: Sendable, Hashable {
        public var certificate: String
        public var key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    public enum Role: Sendable, Equatable {
        case server
        /// Checks that the server stands for the name it is dialled by.
        case client
    }

    let context: OpaquePointer
    let role: Role
    private let identities: [TLSIdentity]
    /// The contexts of the identities behind the first, which the client's server name chooses between.
    private var others: [OpaquePointer] = []
    private let protocols: [UInt8]

    /// With AES in hardware AES-128 is fastest and as safe as a session needs; ChaCha20 is for clients without it.
    private static let ciphers = "ECDHE+AESGCM+AES128:ECDHE+AESGCM+AES256:ECDHE+CHACHA20"
    private static let ciphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    private static let groups = "X25519:P-256:P-384"
    /// Certificates between a peer's and an authority's.
    private static let depth: Int32 = 8
    /// Bytes of OpenSSL's keys for session tickets.
    private static let ticketKeys = 80

    /// - Parameters:
    ///   - identities: of a server the first is shown where the client names no host that another stands for.
    ///   - authorities: who may have signed a peer's certificate. A server with authorities asks its clients for one and
    ///     takes none without; a client without authorities trusts those of the system.
    ///   - besideSystem: whether those of the system are trusted too.
    ///   - protocols: for ALPN, the best first. A server refuses clients that offer others alone.
    ///   - previous: the context that this one replaces: sessions begun with it can be resumed.
    public init(
        role: Role, identities: [Files], authorities: String? = nil, besideSystem: Bool = false,
        protocols: [String] = [], previous: TLSContext? = nil
    ) throws(TLSError) {
        self.role = role
        var read: [TLSIdentity] = []
        for files in identities {
            read.append(try TLSIdentity(certificateFile: files.certificate, keyFile: files.key))
        }
        self.identities = read
        self.protocols = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        context = TLSContext.make(role)
        try TLSContext.trust(authorities, role, context)
        if besideSystem { SSL_CTX_set_default_verify_paths(context) }
        if let first = read.first { TLSContext.show(first, context) }
        for identity in read.dropFirst() {
            let other = TLSContext.make(role)
            try TLSContext.trust(authorities, role, other)
            TLSContext.show(identity, other)
            others.append(other)
        }
        shareTickets(previous)
        offerProtocols()
        if role == .server { chooseByName() }
    }

    deinit {
        SSL_CTX_free(context)
        for other in others { SSL_CTX_free(other) }
    }

    private static func make(_ role: Role) -> OpaquePointer {
        let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method())!
        precondition(cssl_set_versions(context, TLS1_2_VERSION) == 1, "OpenSSL has no TLS 1.2")
        precondition(SSL_CTX_set_cipher_list(context, ciphers) == 1, "OpenSSL has none of the ciphers")
        precondition(SSL_CTX_set_ciphersuites(context, ciphers13) == 1, "OpenSSL has none of the ciphers of TLS 1.3")
        precondition(cssl_set_groups(context, groups) == 1, "OpenSSL has none of the curves")
        cssl_set_modes(context)
        // One ticket is enough for a client that comes back.
        SSL_CTX_set_num_tickets(context, 1)
        // Resumption with client certificates needs a name for what it resumes.
        let name = Array("sluice".utf8)
        SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
        return context
    }

    private static func show(_ identity: TLSIdentity, _ context: OpaquePointer) {
        SSL_CTX_use_certificate(context, identity.certificate)
        SSL_CTX_use_PrivateKey(context, identity.key)
        for certificate in identity.chain {
            X509_up_ref(certificate)
            _ = cssl_add_chain(context, certificate)
        }
    }

    private static func trust(_ file: String?, _ role: Role, _ context: OpaquePointer) throws(TLSError) {
        SSL_CTX_set_verify_depth(context, depth)
        guard let file else {
            if role == .client {
                SSL_CTX_set_default_verify_paths(context)
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
            }
            return
        }
        guard SSL_CTX_load_verify_locations(context, file, nil) == 1 else {
            throw .authorities(file: file, reason: TLSError.lastReason)
        }
        let strict = role == .server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | strict, nil)
        if role == .server { SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file)) }
    }

    /// All identities, and the context that is replaced, open one another's tickets.
    private func shareTickets(_ previous: TLSContext?) {
        guard role == .server else { return }
        var keys = [UInt8](repeating: 0, count: TLSContext.ticketKeys)
        guard cssl_ticket_keys(previous?.context ?? context, &keys, Int32(keys.count)) == 1 else { return }
        for each in [context] + others { _ = cssl_set_ticket_keys(each, &keys, Int32(keys.count)) }
    }

    /// Narrows what is spoken to one version and the ciphers that OpenSSL knows by that name, or list. Before the first session only.
    func insist(version: String, cipher: String) {
        let is13 = version == "TLSv1.3"
        let number = is13 ? TLS1_3_VERSION : TLS1_2_VERSION
        let known = is13 ? SSL_CTX_set_ciphersuites(context, cipher) : SSL_CTX_set_cipher_list(context, cipher)
        precondition(cssl_set_versions(context, number) == 1 && cssl_set_newest(context, number) == 1 && known == 1)
    }

    // MARK: During the handshake

    private var me: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    private func offerProtocols() {
        if role == .client {
            if !protocols.isEmpty { SSL_CTX_set_alpn_protos(context, protocols, UInt32(protocols.count)) }
            return
        }
        for each in [context] + others {
            // Sound: sessions keep their context alive.
            SSL_CTX_set_alpn_select_cb(
                each,
                { _, chosen, length, offered, count, me in
                    let context = Unmanaged<TLSContext>.fromOpaque(me!).takeUnretainedValue()
                    var found: UnsafeMutablePointer<UInt8>?
                    let status = context.protocols.withUnsafeBufferPointer {
                        SSL_select_next_proto(&found, length, $0.baseAddress, UInt32($0.count), offered, count)
                    }
                    // RFC 7301 §3.2: no_application_protocol. A client that offers nothing never comes here.
                    guard status == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                    chosen!.pointee = UnsafePointer(found)
                    return SSL_TLSEXT_ERR_OK
                }, me)
        }
    }

    private func chooseByName() {
        guard !others.isEmpty else { return }
        cssl_on_server_name(
            context,
            { session, _, me in
                let context = Unmanaged<TLSContext>.fromOpaque(me!).takeUnretainedValue()
                guard let name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name) else {
                    return SSL_TLSEXT_ERR_OK
                }
                let host = String(cString: name).lowercased()
                if let other = context.context(for: host) { SSL_set_SSL_CTX(session, other) }
                return SSL_TLSEXT_ERR_OK
            }, me)
    }

    private func context(for host: String) -> OpaquePointer? {
        guard !identities[0].matches(host) else { return nil }
        return identities.indices.dropFirst().first { identities[$0].matches(host) }.map { others[$0 - 1] }
    }
}
