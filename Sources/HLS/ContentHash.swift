/// FNV-1a of 64 bits: names an initialisation section after its bytes, so that every node gives the same section the
/// same name. It guards against nothing: the bytes come from the publisher, who may name its own sections as it likes.
public struct ContentHash: Hashable, Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    public init(_ bytes: Span<UInt8>) { combine(bytes) }

    public mutating func combine(_ bytes: Span<UInt8>) {
        for index in bytes.indices {
            value = (value ^ UInt64(bytes[index])) &* 0x100_0000_01b3
        }
    }
}
