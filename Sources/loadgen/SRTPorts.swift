//! Lets viewers over SRT share local UDP ports: libsrt runs two threads for each, which wake a hundred times a second
//! whether something comes or not, and with a port of its own for each of many viewers that is most of what they cost.

final class SRTPorts {
    /// Viewers on a port; few enough for a burst to all of them to fit into a socket buffer of ordinary size.
    private static let viewersEach = 20

    private var port: UInt16 = 0
    private var taken = 0

    /// Gives the socket a port that others have, or a new one.
    func seat(_ socket: SRTSocket, towards address: Address) {
        if taken < SRTPorts.viewersEach, port != 0, socket.bind(port: port, towards: address) {
            taken += 1
            return
        }
        guard socket.bind(port: 0, towards: address) else { return }
        port = socket.localPort
        taken = 1
    }
}
