/// The times of one PES packet's frames, in continuous 90 kHz.
struct UnitTiming: Equatable {
    /// Both nil when the packet has none; its frames then follow the ones before.
    var pts: Int64?
    var dts: Int64?
    var isRandomAccess = false
    /// The packet was cut short by a loss: what is whole in it is good.
    var isCut = false
}
