/// Which calls would come in at this very node: what it must not call itself.
import Configuration
import EventLoop

extension NodeState {
    enum Transport {
        case tcp, udp
    }

    /// Says of a numeric address whether whoever calls it from here reaches a listener of this node.
    func isOwnDoor(_ transport: Transport) -> (Address) -> Bool { { self.listens(at: $0, transport) } }

    private func listens(at address: Address, _ transport: Transport) -> Bool {
        // Calls to no address in particular go to the machine itself.
        let host = address.host == "0.0.0.0" ? "127.0.0.1" : address.host == "::" ? "::1" : address.host
        let doors = doors(transport).filter { $0.port == address.port }
        if doors.contains(where: { $0.host == host }) { return true }
        return doors.contains { $0.isEverywhere } && Machine.has(host)
    }

    private struct Door {
        let host: String
        let port: UInt16

        var isEverywhere: Bool { host == Endpoint.everywhere || host == "0.0.0.0" }
    }

    /// The configured hosts with the ports that were got.
    private func doors(_ transport: Transport) -> [Door] {
        let ports = ports
        let pairs =
            switch transport {
            case .tcp:
                [
                    (settings.rtmp.listen, ports.rtmp), (settings.rtmp.tlsListen, ports.rtmps),
                    (settings.http.listen, ports.http), (settings.http.tlsListen, ports.https),
                    (settings.api.listen, ports.api), (settings.relay.listen, ports.relay),
                    (settings.relay.tlsListen, ports.relayTLS),
                ]
            case .udp: [(settings.srt.listen, ports.srt), (settings.relay.srtListen, ports.relaySRT)]
            }
        return pairs.flatMap { endpoints, ports in
            zip(endpoints, ports).map { Door(host: $0.host, port: $1) }
        }
    }
}
