/// A certificate chain and its key, from PEM files, and the names it stands for.
import COpenSSL

final class TLSIdentity {
    let certificate: OpaquePointer
    let key: OpaquePointer
    /// The certificates between this one and an authority's.
    private(set) var chain: [OpaquePointer] = []
    /// In lower case; a name may begin with `*.`.
    let names: [String]

    /// Certificates in one file: a chain has two or three.
    private static let chainLimit = 16

    init(certificateFile: String, keyFile: String) throws(TLSError) {
        let read = TLSIdentity.certificates(certificateFile)
        guard let first = read.first else {
            throw .certificate(file: certificateFile, reason: TLSError.lastReason)
        }
        certificate = first
        chain = Array(read.dropFirst())
        names = TLSIdentity.hosts(of: first)
        guard let key = TLSIdentity.key(keyFile) else {
            for certificate in read { X509_free(certificate) }
            throw .key(file: keyFile, reason: TLSError.lastReason)
        }
        self.key = key
        ERR_clear_error()
        guard X509_check_private_key(first, key) == 1 else { throw .key(file: keyFile, reason: TLSError.lastReason) }
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
        for certificate in chain { X509_free(certificate) }
    }

    /// Whether the certificate stands for that host.
    func matches(_ host: String) -> Bool {
        names.contains { name in
            if name == host { return true }
            guard name.hasPrefix("*."), let point = host.firstIndex(of: ".") else { return false }
            return host[point...] == name.dropFirst()
        }
    }

    static func certificates(_ file: String) -> [OpaquePointer] {
        guard let bio = BIO_new_file(file, "r") else { return [] }
        defer { BIO_free(bio) }
        var found: [OpaquePointer] = []
        while found.count < chainLimit, let next = PEM_read_bio_X509(bio, nil, nil, nil) { found.append(next) }
        // The end of the file is an error to the reader.
        if !found.isEmpty { ERR_clear_error() }
        return found
    }

    private static func key(_ file: String) -> OpaquePointer? {
        guard let bio = BIO_new_file(file, "r") else { return nil }
        defer { BIO_free(bio) }
        // No prompt on the terminal for a passphrase: a key with one is refused.
        return PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil)
    }

    static func hosts(of certificate: OpaquePointer) -> [String] {
        guard let found = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let list = OpaquePointer(found)
        defer { cssl_free_names(list) }
        return (0..<cssl_general_name_count(list)).compactMap { index in
            var length: Int32 = 0
            guard let text = cssl_dns_name(list, index, &length) else { return nil }
            let bytes = UnsafeRawBufferPointer(start: text, count: Int(length))
            return String(validating: bytes, as: UTF8.self)?.lowercased()
        }
    }
}
