import CSystem

extension Connection {
    /// Two ends of a local pair of sockets: what one writes the other reads. The first bears the name of `peer`.
    public static func pair(peer: Address, on loop: Loop) -> (Connection, Connection)? {
        var descriptors: (Int32, Int32) = (-1, -1)
        let failed = withUnsafeMutableBytes(of: &descriptors) {
            cs_pair($0.baseAddress!.assumingMemoryBound(to: Int32.self))
        }
        guard failed == 0 else { return nil }
        let first = Connection(descriptors.0, peer: peer, on: loop)
        let second = Connection(descriptors.1, peer: Address(host: "", port: 0), on: loop)
        if let first, let second { return (first, second) }
        if first == nil { cs_close(descriptors.0) }
        if second == nil { cs_close(descriptors.1) }
        return nil
    }
}
