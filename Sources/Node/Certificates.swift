/// The certificates of a node or dispatcher by their use: shown to clients, shown to other nodes, and shown when other
/// nodes are dialled. Each use has the protocols that are spoken there and no other (ALPN): who insists on another one is
/// refused, and nobody can lead a client of one listener to another behind its back.
import Configuration
import EventLoop
import Operations
import TLS

public struct Certificates: Sendable {
    /// For viewers over HTTP; nil where none are configured.
    let http: CertificateStore?
    /// For encoders and viewers over RTMP, which has no name among the protocols.
    let rtmp: CertificateStore?
    /// Among nodes each side shows one, and takes none that another authority has signed.
    public let nodes: CertificateStore?
    let dialling: CertificateStore?
    /// For servers that streams are pushed to: nothing is shown, and the system's authorities are trusted, too.
    let pushing: CertificateStore

    public init(_ settings: Settings.TLS) throws(StartError) {
        let files = zip(settings.certificates, settings.keys).map { TLSContext.Files(certificate: $0, key: $1) }
        let first = Array(files.prefix(1))
        let authorities = settings.authorities.isEmpty ? nil : settings.authorities
        do throws(TLSError) {
            pushing = try CertificateStore(
                role: .client, identities: [], authorities: authorities, besideSystem: true, protocols: [])
            let hasFiles = !files.isEmpty
            http =
                hasFiles ? try CertificateStore(role: .server, identities: files, protocols: ["h2", "http/1.1"]) : nil
            rtmp = hasFiles ? try CertificateStore(role: .server, identities: files, protocols: []) : nil
            guard let authorities, hasFiles else {
                nodes = nil
                dialling = nil
                return
            }
            let protocols = ["sluice-relay"]
            nodes = try CertificateStore(
                role: .server, identities: first, authorities: authorities, protocols: protocols)
            dialling = try CertificateStore(
                role: .client, identities: first, authorities: authorities, protocols: protocols)
        } catch {
            throw .certificates(error)
        }
    }

    /// Has the files read again when they change, as long as the result lives.
    public func watch(on loop: Loop, _ log: EventLog) -> CertificateWatch {
        // The system's authorities are not watched: a node without files of its own has nothing to look at.
        let own = nodes == nil ? [http, rtmp] : [http, rtmp, nodes, dialling, pushing]
        return CertificateWatch(own.compactMap { $0 }, on: loop) { result in
            switch result {
            case .success: log.write(.info, "tls.reloaded")
            case .failure(let error): log.write(.warning, "tls.not_reloaded", [("reason", error.description)])
            }
        }
    }
}
