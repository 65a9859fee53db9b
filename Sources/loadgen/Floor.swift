//! The bare server that others are measured against: the same bytes from memory to every viewer, one sendmsg each
//! at each interval. No stream life, no policy, no parsing once a viewer is in; what is left is the kernel's cost.

import CSystem
@preconcurrency import Glibc

final class Floor {
    private let options: Options
    private let poller: Poller
    private let reel: Reel
    private let listener: Int32
    private var guests: [Guest?] = []
    private var freeSeats: [Int] = []
    private var playing: [Seat] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    /// A viewer in the fan-out: where it stands in the prologue, then in the reel.
    private struct Seat {
        let fd: Int32
        var prologue = 0
        var offset: UInt64
    }

    init(_ options: Options) throws(Failure) {
        guard let path = options.file else { throw Failure("the floor needs --file FILE.flv") }
        self.options = options
        poller = try Poller()
        reel = Reel(try FLVFile(path: path), asRTMP: options.transport == .rtmp)
        let (host, port) = try Target.hostAndPort(options.listen[...], standard: 0)
        listener = try Address(host: host, port: port).listen()
        poller.add(listener, LOADGEN_READABLE, .listener)
    }

    func serve() throws(Failure) {
        try Floor.tell(port: Int(loadgen_local_port(listener)), options)
        let interval = nanoseconds(max(0.001, options.interval))
        var next = now() + interval
        while loadgen_interrupted() == 0 {
            let time = now()
            if time >= next {
                reel.wind(to: time)
                fanOut()
                next += interval
                // After a long tick the lost ones are left out, not made up for.
                if next < now() { next = now() + interval }
            }
            poller.wait(until: next) { owner, events in
                switch owner {
                case .listener: accept()
                case .guest(let index): hear(index)
                default: break
                }
            }
        }
    }

    /// Says where the floor listens, to people and to programs.
    static func tell(port: Int, _ options: Options) throws(Failure) {
        if let path = options.portFile {
            guard let file = fopen(path, "w") else { throw Failure.system("cannot write \(path)", errno) }
            fputs("\(port)\n", file)
            fclose(file)
        }
        if !options.quiet { fputs("\(options.mode): port \(port)\n", stderr) }
    }

    private func accept() {
        while true {
            let fd = loadgen_accept(listener)
            if fd < 0 { return }
            let index = freeSeats.popLast() ?? guests.count
            let guest = Guest(fd: fd, asRTMP: options.transport == .rtmp)
            if index == guests.count { guests.append(guest) } else { guests[index] = guest }
            poller.add(fd, LOADGEN_READABLE, .guest(index))
        }
    }

    /// Lets a newcomer say what it must; then it joins the fan-out and is listened to no more.
    private func hear(_ index: Int) {
        guard let guest = guests[index] else { return }
        switch guest.hear(buffer) {
        case .waiting: return
        case .gone: close(guest.fd)
        case .ready:
            poller.remove(guest.fd)
            var seat = Seat(fd: guest.fd, offset: reel.keyframe)
            if send(&seat) { playing.append(seat) } else { close(seat.fd) }
        }
        guests[index] = nil
        freeSeats.append(index)
    }

    private func fanOut() {
        var index = 0
        while index < playing.count {
            if send(&playing[index]) {
                index += 1
            } else {
                close(playing[index].fd)
                playing.swapAt(index, playing.count - 1)
                playing.removeLast()
            }
        }
    }

    /// One sendmsg; false when the viewer has gone, or has fallen out of the reel.
    private func send(_ seat: inout Seat) -> Bool {
        guard reel.head - seat.offset <= reel.reach else { return false }
        let prologueLeft = reel.prologue.count - seat.prologue
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: 3) { pieces in
            var count = 0
            if prologueLeft > 0 {
                pieces[0] = iovec(
                    iov_base: reel.prologue.baseAddress! + seat.prologue, iov_len: prologueLeft)
                count = 1
            }
            count = reel.pieces(from: seat.offset, into: pieces, at: count)
            guard count > 0 else { return true }
            let sent = loadgen_send_vector(seat.fd, pieces.baseAddress!, Int32(count))
            if sent < 0 { return sent == -Int(EAGAIN) }
            let ofPrologue = min(prologueLeft, sent)
            seat.prologue += ofPrologue
            seat.offset += UInt64(sent - ofPrologue)
            return true
        }
    }
}
