//! The floor's film: the file's tags, stamped and put one behind the other in real time, in a ring of bytes. Made
//! once, read by all viewers.

@preconcurrency import Glibc

final class Reel {
    /// Bytes in the ring: some 30 s of 2 Mbit/s.
    private static let size = 8 << 20
    private static let chunkSize = 65_536

    /// Bytes behind the head that a viewer may still ask for; what is above may be written over.
    let reach = UInt64(Reel.size / 2)
    /// What stands before the first tag: headers, metadata, codec configurations.
    let prologue: UnsafeMutableRawBufferPointer
    /// Where the ring's next byte goes, counted from the start of the run.
    private(set) var head: UInt64 = 0
    /// Where the newest keyframe starts.
    private(set) var keyframe: UInt64 = 0

    private let file: FLVFile
    private let asRTMP: Bool
    private let ring: UnsafeMutableRawPointer
    private let begin = now()
    private let run = Stamp.newRun()
    private var position = 0
    private var loops: UInt64 = 0
    private var sequence: UInt64 = 0
    private var scratch: [UInt8] = []
    private var wrapped: [UInt8] = []

    init(_ file: FLVFile, asRTMP: Bool) {
        self.file = file
        self.asRTMP = asRTMP
        // Touched at once, so that memory measured later is the viewers' and not the film's.
        ring = UnsafeMutableRawPointer.allocate(byteCount: Reel.size, alignment: 4096)
        ring.initializeMemory(as: UInt8.self, repeating: 0x5a, count: Reel.size)
        var bytes: [UInt8] = []
        if asRTMP {
            ChunkWriter.append(control: 1, UInt32(Reel.chunkSize), to: &bytes)
        } else {
            bytes += Array("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n".utf8)
            bytes += [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]
        }
        var body: [UInt8] = []
        for tag in file.opening {
            body.removeAll()
            file.append(tag, stamp: nil, to: &body)
            Reel.wrap(tag, time: 0, body, asRTMP: asRTMP, into: &bytes)
        }
        prologue = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        prologue.copyBytes(from: bytes)
    }

    deinit {
        ring.deallocate()
        prologue.deallocate()
    }

    /// Adds every tag that is due.
    func wind(to time: UInt64) {
        let elapsed = (time - begin) / nanosecondsPerMillisecond
        while true {
            let tag = file.media[position]
            let due = loops * UInt64(file.duration) + UInt64(tag.time)
            if due > elapsed { return }
            append(tag, time: UInt32(truncatingIfNeeded: due))
            position += 1
            if position == file.media.count {
                position = 0
                loops += 1
            }
        }
    }

    /// Puts the bytes from `offset` to the head into `list`, in one piece or two; returns the list's new count.
    func pieces(from offset: UInt64, into list: UnsafeMutableBufferPointer<iovec>, at start: Int) -> Int {
        let count = Int(head - offset)
        guard count > 0 else { return start }
        let place = Int(offset % UInt64(Reel.size))
        let first = min(count, Reel.size - place)
        list[start] = iovec(iov_base: ring + place, iov_len: first)
        if first == count { return start + 1 }
        list[start + 1] = iovec(iov_base: ring, iov_len: count - first)
        return start + 2
    }

    private func append(_ tag: Tag, time: UInt32) {
        var stamp: Stamp?
        if tag.isPicture {
            stamp = Stamp(clock: now(), run: run, sequence: sequence, stream: 0)
            sequence += 1
        }
        if tag.isKeyframe { keyframe = head }
        scratch.removeAll(keepingCapacity: true)
        wrapped.removeAll(keepingCapacity: true)
        file.append(tag, stamp: stamp, to: &scratch)
        Reel.wrap(tag, time: time, scratch, asRTMP: asRTMP, into: &wrapped)
        wrapped.withUnsafeBytes { bytes in
            let place = Int(head % UInt64(Reel.size))
            let first = min(bytes.count, Reel.size - place)
            (ring + place).copyMemory(from: bytes.baseAddress!, byteCount: first)
            if first < bytes.count {
                ring.copyMemory(from: bytes.baseAddress! + first, byteCount: bytes.count - first)
            }
        }
        head += UInt64(wrapped.count)
    }

    private static func wrap(_ tag: Tag, time: UInt32, _ body: [UInt8], asRTMP: Bool, into out: inout [UInt8]) {
        if asRTMP {
            body.withUnsafeBytes {
                ChunkWriter.append(
                    type: tag.type, chunkStream: tag.type == 9 ? 6 : 4, timestamp: time, messageStream: 1,
                    chunkSize: chunkSize, body: $0, to: &out)
            }
            return
        }
        out.append(tag.type)
        ChunkWriter.append24(UInt32(body.count), to: &out)
        ChunkWriter.append24(time & 0xff_ffff, to: &out)
        out += [UInt8(time >> 24), 0, 0, 0]
        out += body
        withUnsafeBytes(of: UInt32(body.count + 11).bigEndian) { out.append(contentsOf: $0) }
    }
}
