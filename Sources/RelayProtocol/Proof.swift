/// What shows that a node knows the shared secret, without telling it.
///
/// A proof is `HMAC-SHA256(secret, label | length | own hello | length | peer's hello)`. The hellos hold both nonces, so
/// that a proof is good for one connection only, and both ids, versions and capabilities, so that none of them can be
/// changed on the way. The label differs between the two roles: a proof cannot be sent back to its maker.
import COpenSSL
import Media

public enum Proof {
    static let size = 32

    /// `mine` and `theirs` are the bodies of the two hellos as they were on the wire.
    static func make(secret: [UInt8], role: RelayRole, mine: [UInt8], theirs: [UInt8]) -> [UInt8] {
        var text = Array(role.label.utf8)
        for hello in [mine, theirs] {
            text.append(u32: UInt32(hello.count))
            text += hello
        }
        return digest(of: text, secret)
    }

    private static func digest(of text: [UInt8], _ secret: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: size)
        var written: UInt32 = 0
        // Safe: SHA-256 writes 32 bytes, which `digest` has; lengths are those of the arrays.
        let result = HMAC(EVP_sha256(), secret, Int32(secret.count), text, text.count, &digest, &written)
        precondition(result != nil && Int(written) == size, "OpenSSL has no HMAC-SHA256")
        return digest
    }

    /// What a transport that asks for a passphrase is given: as hard to guess as the secret, and telling nothing of it.
    public static func passphrase(of secret: [UInt8]) -> String {
        digest(of: Array("sluice link passphrase".utf8), secret)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Takes the same time wherever the difference is.
    static func isEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        var difference: UInt8 = 0
        for i in a.indices { difference |= a[i] ^ b[i] }
        return difference == 0
    }
}

/// Who dialled. It matters for the proofs alone: afterwards both sides may do the same.
public enum RelayRole: Sendable, Equatable {
    case initiator, responder

    var label: String {
        switch self {
        case .initiator: "sluice relay 1 initiator"
        case .responder: "sluice relay 1 responder"
        }
    }

    var other: RelayRole { self == .initiator ? .responder : .initiator }
}
