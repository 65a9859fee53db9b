//! The SRT floor's film: the file as MPEG-TS, stamped, in real time, in a ring of bytes. Made once, read by all viewers.

final class TSReel {
    /// Bytes in the ring, whole messages: some 30 s of 2 Mbit/s.
    private static let size = 6400 * SRTSocket.messageSize

    /// Bytes behind the head that a viewer may still ask for; what is above may be written over.
    let reach = UInt64(TSReel.size / 2)
    /// Where the ring's next byte goes, counted from the start of the run.
    private(set) var head: UInt64 = 0
    /// Where the newest keyframe's tables start.
    private(set) var keyframe: UInt64 = 0

    /// One message longer than the ring: what stands at its start is there again, so that each message is one piece.
    private let ring: UnsafeMutableRawBufferPointer
    private let run = Stamp.newRun()
    private var timeline: Timeline
    private var writer: TSWriter
    private var sequence: UInt64 = 0
    private var scratch: [UInt8] = []
    private var packets: [UInt8] = []

    init(_ file: FLVFile) throws(Failure) {
        timeline = Timeline(file)
        timeline.start(at: now())
        writer = try TSWriter(file)
        ring = UnsafeMutableRawBufferPointer.allocate(
            byteCount: TSReel.size + SRTSocket.messageSize, alignment: 4096)
        // Touched at once, so that memory measured later is the viewers' and not the film's.
        ring.initializeMemory(as: UInt8.self, repeating: 0x5a)
    }

    deinit { ring.deallocate() }

    /// Adds every tag that is due.
    func wind(to time: UInt64) {
        while timeline.due <= time {
            let tag = timeline.tag
            var stamp: Stamp?
            if tag.isPicture {
                stamp = Stamp(clock: now(), run: run, sequence: sequence, stream: 0)
                sequence += 1
            }
            if tag.isKeyframe { keyframe = head }
            scratch.removeAll(keepingCapacity: true)
            packets.removeAll(keepingCapacity: true)
            timeline.file.append(tag, stamp: stamp, to: &scratch)
            writer.append(tag, scratch, time: timeline.time, to: &packets)
            packets.withUnsafeBytes { append($0) }
            timeline.step()
        }
    }

    private func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while rest.count > 0 {
            let place = Int(head % UInt64(TSReel.size))
            let count = min(rest.count, TSReel.size - place)
            let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
            copy(piece, to: place)
            if place < SRTSocket.messageSize {
                let again = min(count, SRTSocket.messageSize - place)
                copy(UnsafeRawBufferPointer(rebasing: piece[..<again]), to: TSReel.size + place)
            }
            head += UInt64(count)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    private func copy(_ bytes: UnsafeRawBufferPointer, to place: Int) {
        UnsafeMutableRawBufferPointer(rebasing: ring[place..<(place + bytes.count)]).copyMemory(from: bytes)
    }

    /// The whole message at `offset`; nil while there is none.
    func message(at offset: UInt64) -> UnsafeRawBufferPointer? {
        guard head - offset >= UInt64(SRTSocket.messageSize) else { return nil }
        let place = Int(offset % UInt64(TSReel.size))
        return UnsafeRawBufferPointer(rebasing: ring[place..<(place + SRTSocket.messageSize)])
    }
}
