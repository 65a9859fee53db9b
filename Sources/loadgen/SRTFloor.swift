//! The bare libsrt sender that an SRT server is measured against: takes every caller and sends each the same MPEG-TS
//! from memory, in full messages, at each interval. It waits for nothing but its clock; what is left is libsrt's cost.

import CSystem
@preconcurrency import Glibc

final class SRTFloor {
    private let options: Options
    private let poller: Poller
    private let reel: TSReel
    private let listener: SRTSocket
    private let port: UInt16
    private var playing: [Seat] = []

    private struct Seat {
        let socket: SRTSocket
        var offset: UInt64
    }

    init(_ options: Options) throws(Failure) {
        guard let path = options.file else { throw Failure("the floor needs --file FILE.flv") }
        self.options = options
        poller = try Poller()
        reel = try TSReel(try FLVFile(path: path))
        let (host, port) = try Target.hostAndPort(options.listen[...], standard: 0)
        listener = try SRTSocket(options.srt)
        self.port = try listener.listen(on: try Address(host: host, port: port))
    }

    func serve() throws(Failure) {
        try Floor.tell(port: Int(port), options)
        let interval = nanoseconds(max(0.001, options.interval))
        var next = now() + interval
        while loadgen_interrupted() == 0 {
            let time = now()
            if time >= next {
                while let caller = listener.accept() {
                    playing.append(Seat(socket: caller, offset: reel.keyframe))
                }
                reel.wind(to: time)
                fanOut()
                next += interval
                // After a long tick the lost ones are left out, not made up for.
                if next < now() { next = now() + interval }
            }
            poller.wait(until: next) { _, _ in }
        }
        for seat in playing { seat.socket.close() }
        listener.close()
    }

    private func fanOut() {
        var index = 0
        while index < playing.count {
            if send(&playing[index]) {
                index += 1
            } else {
                playing[index].socket.close()
                playing.swapAt(index, playing.count - 1)
                playing.removeLast()
            }
        }
    }

    /// Every whole message that the viewer has not had; false when it has gone, or has fallen out of the reel.
    private func send(_ seat: inout Seat) -> Bool {
        guard reel.head - seat.offset <= reel.reach else { return false }
        while let message = reel.message(at: seat.offset) {
            switch seat.socket.send(message) {
            case .taken: seat.offset += UInt64(message.count)
            case .full: return true
            case .broken: return false
            }
        }
        return true
    }
}
