/// Nodes near one of their limits are told where their clients may go.
import Dispatch
import RelayProtocol

extension DispatchDesk {
    /// From here on a node is told who else has room, before it has to turn anybody away: a little below its soft mark.
    static let nearFull: UInt16 = 450
    /// For clients that can be sent nowhere.
    private static let retrySeconds: UInt16 = 10

    func tellRoom(to node: NodeID, _ index: NodeIndex, _ load: Load) -> [Outgoing] {
        let mark = topology[index].capacity.cpu.soft * 1000
        guard load.fullPermille >= DispatchDesk.nearFull || Double(load.cpuPermille) >= mark else { return [] }
        let places = dispatcher.nodesWithRoom(near: index, limit: RelayLimits.places).compactMap(place)
        return [Outgoing(node: node, message: .room(Room(retrySeconds: DispatchDesk.retrySeconds, places: places)))]
    }

    private func place(_ index: NodeIndex) -> Room.Place? {
        guard let node = NodeID(topology[index].id), let seat = seats[node], seat.isConnected,
            let register = seat.register, !register.isDraining
        else { return nil }
        return Room.Place(node: node, roles: register.roles, rtmp: register.rtmp, http: register.http)
    }
}

extension Load {
    /// A node near a limit of its own is as little to be chosen as one whose processors are that busy.
    func cpuLikeFullness(_ mark: Mark) -> Double {
        let position = Double(fullPermille) / 500
        return position < 1 ? mark.soft * position : mark.soft + (mark.hard - mark.soft) * (position - 1)
    }
}
