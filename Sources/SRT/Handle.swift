/// A libsrt socket by its number, with the calls that ask and set something of it.
///
/// The number stays valid as a question for ever: libsrt answers with an error when the socket is gone.
import CSRT
import EventLoop
import Glibc

struct Handle: Hashable, Sendable {
    let id: SRTSOCKET

    /// The library takes every option that this module sets, at the times at which it sets them; a refusal is found
    /// out by the tests.
    @discardableResult func set(_ option: SRT_SOCKOPT, _ value: Int32) -> Bool {
        var value = value
        return srt_setsockflag(id, option, &value, 4) == 0
    }

    @discardableResult func set(_ option: SRT_SOCKOPT, _ text: String) -> Bool {
        var text = text
        return text.withUTF8 { srt_setsockflag(id, option, $0.baseAddress, Int32($0.count)) } == 0
    }

    func number(_ option: SRT_SOCKOPT) -> Int32? {
        var value: Int32 = 0
        var size: Int32 = 4
        return srt_getsockflag(id, option, &value, &size) == 0 ? value : nil
    }

    func text(_ option: SRT_SOCKOPT) -> String {
        withUnsafeTemporaryAllocation(byteCount: SRTOptions.longestStreamID + 1, alignment: 1) { buffer in
            var size = Int32(buffer.count)
            guard srt_getsockflag(id, option, buffer.baseAddress, &size) == 0, size > 0 else { return "" }
            return String(decoding: buffer.prefix(Int(size)).prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// What it counts its data packets from, in both directions where it was accepted.
    var startNumber: UInt32? { number(SRTO_ISN).map { UInt32(bitPattern: $0) } }

    var state: SRT_SOCKSTATUS { srt_getsockstate(id) }

    var isConnected: Bool { state == SRTS_CONNECTED }

    /// How many packets have come of the peer that only who takes part can send, and whether more are due: it sends media,
    /// or has media to acknowledge. Nil when the connection is over.
    var signsOfLife: (count: Int64, areDue: Bool)? {
        var raw = SRT_TRACEBSTATS()
        guard srt_bistats(id, &raw, 0, 1) == 0 else { return nil }
        let count = raw.pktRecvTotal + Int64(raw.pktRecvACKTotal) + Int64(raw.pktRecvNAKTotal)
        return (count, raw.pktRecvTotal > 0 || raw.pktSndBuf > 0)
    }

    var peer: Address? { address(srt_getpeername) }
    var local: Address? { address(srt_getsockname) }

    var rejection: SRTRejection { SRTRejection(rawValue: srt_getrejectreason(id)) }

    func close() { srt_close(id) }

    /// What the library says of the last call that failed on this thread.
    static var lastError: String { String(cString: srt_getlasterror_str()) }

    private func address(
        _ ask: (SRTSOCKET, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<Int32>?) -> Int32
    ) -> Address? {
        var storage = sockaddr_storage()
        var size = Int32(MemoryLayout<sockaddr_storage>.size)
        let failure = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(id, $0, &size) }
        }
        guard failure == 0 else { return nil }
        return SocketAddress(storage, length: socklen_t(size)).described
    }
}
