/// Why a transport stream cannot be read at all. What damages single frames is counted in `TSCounters` instead.
public enum TSError: Error, Equatable, Sendable, CustomStringConvertible {
    case notTransportStream(bytes: Int)
    case scrambled(packets: Int)
    case noSuchProgram(UInt16, available: [UInt16])

    /// For metric labels: one of a fixed few.
    public var reason: String {
        switch self {
        case .notTransportStream: "ts_no_sync"
        case .scrambled: "ts_scrambled"
        case .noSuchProgram: "ts_no_such_program"
        }
    }

    public var description: String {
        switch self {
        case .notTransportStream(let bytes):
            return "no MPEG-TS packets in \(bytes) bytes: the sync byte 0x47 does not come every 188 bytes; "
                + "set the encoder's format to MPEG-TS"
        case .scrambled(let packets):
            return "all of \(packets) MPEG-TS packets are scrambled, which is not supported; turn off scrambling (CA) "
                + "at the encoder, and encrypt the link instead"
        case .noSuchProgram(let number, let available):
            let names = available.prefix(16).map { "\($0)" }.joined(separator: ", ")
            let what = available.isEmpty ? "no program" : "only \(names)"
            return "the MPEG-TS stream has no program \(number); it has \(what)"
        }
    }
}
