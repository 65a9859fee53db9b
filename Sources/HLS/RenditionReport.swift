/// How far another media playlist of the stream has come (RFC 8216bis §4.4.5.4), so that a player can change to it
/// without asking for an old version first.
public struct RenditionReport: Hashable, Sendable {
    public var rendition: Rendition
    public var lastNumber: UInt32
    public var lastPart: UInt32?

    public init(rendition: Rendition, lastNumber: UInt32, lastPart: UInt32? = nil) {
        self.rendition = rendition
        self.lastNumber = lastNumber
        self.lastPart = lastPart
    }
}
