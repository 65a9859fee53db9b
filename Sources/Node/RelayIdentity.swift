/// Who this node is to others: its name, its data centre, and the secret that the network shares.
import Configuration
import EventLoop
import Glibc
import RelayProtocol

extension Node {
    /// Bytes of a secret: fewer can be guessed, more are not a secret but the wrong file.
    private static let secretSize = 16...4_096

    public static func relayConfiguration(_ settings: Settings) throws(StartError) -> RelayConnection.Configuration {
        var configuration = RelayConnection.Configuration(
            node: NodeID(settings.node.id) ?? machineName, idc: settings.node.idc)
        if !settings.relay.secretFile.isEmpty {
            configuration.secret = try secret(
                "relay.secret_file", settings.relay.secretFile, secretSize, noun: "a secret",
                example: "openssl rand -hex 32")
        }
        return configuration
    }

    /// The machine's name, without what a node's name may not hold.
    private static var machineName: NodeID {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let name = buffer.prefix { $0 != 0 }.map { Character(UnicodeScalar(UInt8(bitPattern: $0))) }
        let allowed = String(name.map { NodeID.isValid(String($0)) ? $0 : "-" }.prefix(RelayLimits.identifier))
        return NodeID(allowed) ?? NodeID("node")!
    }

    /// The file's content; white space around it is an editor's.
    static func secret(
        _ key: String, _ file: String, _ sizes: ClosedRange<Int>, noun: String, example: String
    ) throws(StartError) -> [UInt8] {
        guard let bytes = EventLoop.Process.read(file, atMost: sizes.upperBound + 2) else {
            throw
                .secret(key: key, file: file, fault: "cannot be read; give a file that this user may read")
        }
        let isSpace: (UInt8) -> Bool = { $0 <= 0x20 }
        let secret = Array(bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
        guard sizes.contains(secret.count) else {
            let fault = "holds \(secret.count) bytes; \(noun) has \(sizes.lowerBound) to \(sizes.upperBound),"
            throw
                .secret(key: key, file: file, fault: fault + " for example what `\(example)` prints")
        }
        return secret
    }
}
