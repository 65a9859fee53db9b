import Glibc

/// Takes what has come to a socket of a test, as much as there is or as the test lets through.
///
/// Its room is made once: to fill an array with zeros for each read takes far longer than to read what a small socket
/// holds, and under a sanitizer a hundred times so.
final class Intake {
    /// More than a socket of the tests holds: the system's default for both directions is some 200 KiB.
    private static let capacity = 1 << 18

    private let descriptor: Int32
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { room.deallocate() }

    /// At most `limit` bytes; none when nothing has come, or the socket is no more.
    func take(atMost limit: Int = capacity) -> [UInt8] {
        Array(UnsafeRawBufferPointer(rebasing: room[..<receive(limit)]))
    }

    /// Throws away all that has come, and returns how much that was: allocates nothing.
    func discard() -> Int {
        var total = 0
        while true {
            let count = receive(Intake.capacity)
            if count == 0 { return total }
            total += count
        }
    }

    private func receive(_ limit: Int) -> Int {
        max(0, recv(descriptor, room.baseAddress, min(limit, room.count), Int32(MSG_DONTWAIT)))
    }
}
