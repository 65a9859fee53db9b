import Media

/// What a reader hands out, in the order of the stream.
public enum TSEvent: Sendable, Equatable {
    /// The program that is read, whenever its map changes.
    case program(TSProgram)
    case frame(TSFrame)
}

/// One message body as streams hold it: that of an FLV tag or an RTMP message. Data is a `DataMessage` among script data.
public struct TSFrame: Sendable, Equatable {
    public var kind: MediaKind
    public var pid: UInt16
    /// In 90 kHz, continuous: the 33-bit roll-over is taken out. Jumps of the encoder's clock are not.
    public var pts: Int64
    /// Of data the newest decoding time of sound and pictures at which it came: it has a place among them.
    public var dts: Int64
    /// A sequence header, made of what the stream says of itself, the declaration of a data track, or what languages the
    /// audio tracks are in.
    public var isConfiguration = false
    public var isKeyframe = false
    public var body: [UInt8]

    /// Milliseconds, rounded; on a 32-bit circle as in RTMP.
    public var timestamp: UInt32 { UInt32(truncatingIfNeeded: Self.milliseconds(dts)) }

    /// Milliseconds in a 90 kHz time, rounded to the nearest.
    static func milliseconds(_ time: Int64) -> Int64 {
        let shifted = time &+ 45
        let quotient = shifted / 90
        return shifted % 90 < 0 ? quotient - 1 : quotient
    }
}
