/// Writes the boxes of a fragment (ISO/IEC 14496-12 §8.8) into memory, one after another. Data plane.
///
/// Safety: `target` has room for what is written, which each call checks.
struct FragmentWriter {
    /// Bytes of the boxes, and of what a sample adds to a run.
    static let producerTimeSize = 32
    static let headSize = 8 + 16
    static let trackSize = 8 + 16 + 20 + 20
    static let videoSampleSize = 16
    static let audioSampleSize = 8
    static let dataHeaderSize = 8

    let target: UnsafeMutableRawBufferPointer
    private(set) var offset = 0

    init(_ target: UnsafeMutableRawBufferPointer) { self.target = target }

    static func sampleSize(isVideo: Bool) -> Int { isVideo ? videoSampleSize : audioSampleSize }

    mutating func put(_ value: UInt32) {
        precondition(target.count - offset >= 4, "a plan has room for all of its boxes")
        target.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
        offset += 4
    }

    mutating func put(_ value: UInt64) {
        precondition(target.count - offset >= 8, "a plan has room for all of its boxes")
        target.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
        offset += 8
    }

    private mutating func begin(_ type: FourCC, _ size: Int) {
        put(UInt32(size))
        put(type.value)
    }

    /// `flags` are ffmpeg's: the clock is that of the real world.
    mutating func putProducerTime(track: UInt32, ntp: UInt64, media: Int64) {
        begin("prft", Self.producerTimeSize)
        put(0x0100_0018 as UInt32)
        put(track)
        put(ntp)
        put(UInt64(media))
    }

    mutating func beginFragment(size: Int, sequence: UInt32) {
        begin("moof", size)
        begin("mfhd", 16)
        put(0 as UInt32)
        put(sequence)
    }

    /// `dataOffset` counts from the start of `moof`.
    mutating func beginTrack(_ number: UInt32, isVideo: Bool, base: Int64, count: Int, dataOffset: Int) {
        let run = 20 + count * Self.sampleSize(isVideo: isVideo)
        begin("traf", Self.trackSize - 20 + run)
        begin("tfhd", 16)
        put(0x0002_0000 as UInt32)  // default-base-is-moof
        put(number)
        begin("tfdt", 20)
        put(0x0100_0000 as UInt32)
        put(UInt64(base))
        begin("trun", run)
        // Version 1, for signed offsets. A data offset, and for each sample duration and size; of video flags and offset.
        put(isVideo ? 0x0100_0f01 : 0x0100_0301 as UInt32)
        put(UInt32(count))
        put(UInt32(dataOffset))
    }

    mutating func putSample(isVideo: Bool, duration: Int64, size: Int, flags: UInt32, composition: Int64) {
        put(UInt32(clamping: duration))
        put(UInt32(size))
        guard isVideo else { return }
        put(flags)
        put(UInt32(bitPattern: Int32(clamping: composition)))
    }

    mutating func beginData(size: Int) { begin("mdat", Self.dataHeaderSize + size) }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        take(bytes.count).copyMemory(from: bytes)
    }

    /// The next `count` bytes, for the caller to fill.
    mutating func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(count >= 0 && target.count - offset >= count, "a plan has room for all of its payloads")
        defer { offset += count }
        return UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + count])
    }
}
