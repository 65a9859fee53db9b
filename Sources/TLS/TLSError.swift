/// Why a TLS configuration or a session came to nothing, with OpenSSL's own words where it has any.
import COpenSSL

public enum TLSError: Error, Equatable, CustomStringConvertible {
    /// A file of the configuration cannot be used.
    case certificate(file: String, reason: String)
    case key(file: String, reason: String)
    case authorities(file: String, reason: String)
    /// The peer broke a rule, or is not trusted.
    case session(reason: String)

    public var description: String {
        switch self {
        case .certificate(let file, let reason):
            "\(file) holds no certificate chain (\(reason)); give a PEM file, the server's certificate first"
        case .key(let file, let reason):
            "\(file) holds no private key of that certificate (\(reason)); give its PEM file, without a passphrase"
        case .authorities(let file, let reason):
            "\(file) holds no certificates of authorities (\(reason)); give a PEM file"
        case .session(let reason): "TLS: \(reason)"
        }
    }

    /// As it stands in the metrics.
    public var reason: String { "tls" }

    /// What OpenSSL complained of last on this thread; its list of complaints is empty afterwards.
    static var lastReason: String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0, let text = ERR_reason_error_string(code) else { return "the file cannot be read" }
        return String(cString: text)
    }
}
