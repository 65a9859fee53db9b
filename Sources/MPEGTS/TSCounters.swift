/// What a reader met on its way, for the session's stats. Each field counts events since the start.
public struct TSCounters: Sendable, Equatable {
    public var packets: UInt64 = 0
    /// Times that packets had to be looked for anew.
    public var syncLosses: UInt64 = 0
    /// Bytes passed over while looking for packets.
    public var unsynchronisedBytes: UInt64 = 0
    /// Packets without the sync byte where it has to be.
    public var badSyncBytes: UInt64 = 0
    /// Packets that a modem or receiver before us marked as damaged.
    public var transportErrors: UInt64 = 0
    /// Packets with impossible adaptation fields.
    public var malformedPackets: UInt64 = 0
    /// Gaps in a continuity counter.
    public var discontinuities: UInt64 = 0
    public var duplicates: UInt64 = 0
    public var scrambledPackets: UInt64 = 0
    /// Tables and other sections whose checksum is wrong.
    public var badChecksums: UInt64 = 0
    /// PES packets and audio frames given up because of a loss, or because they make no sense.
    public var damagedUnits: UInt64 = 0
    /// PES packets beyond their limit.
    public var oversizeUnits: UInt64 = 0
    /// Frames that came before the parameter sets that they need, and data before any sound or picture.
    public var unconfiguredFrames: UInt64 = 0
    /// Frames that no message body can hold, such as MPEG audio layer II.
    public var unsupportedFrames: UInt64 = 0
    /// Programs or elementary streams beyond their limits.
    public var beyondLimits: UInt64 = 0

    public init() {}
}
