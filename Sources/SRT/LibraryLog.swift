/// The only word libsrt has for a listener about a call that it refused itself: a line of its log.
///
/// A wrong passphrase is found out after the listen callback has said yes, and neither `srt_accept` nor any event tells
/// of it. The line `rsp(REJECT): 1010 - …` is written on the thread on which the callback has just run, so that the two
/// belong together. Nothing else of the log is switched on, and nothing is printed.
import CSRT
import EventLoop
import Glibc

enum LibraryLog {
    /// What the callback on this thread has said yes to, by thread.
    private static let answered = Lock<[pthread_t: (listener: ListenerCore, call: SRTCall?)]>([:])

    private static let mark: StaticString = "rsp(REJECT): "
    /// What the library adds to a reason when it goes over the wire.
    private static let wireOffset: Int32 = 1_000

    static func listen() {
        // In C: SRT_LOGF_DISABLE_TIME, _THREADNAME, _SEVERITY and _EOL.
        srt_setlogflags(1 | 2 | 4 | 8)
        srt_setloglevel(LOG_WARNING)
        var area = SRT_LOGFA_CONN
        srt_resetlogfa(&area, 1)
        srt_setloghandler(nil) { _, _, _, _, _, message in
            if let message { LibraryLog.read(message) }
        }
    }

    /// The callback has said yes to `call`; nil when it has said no, which needs no further word.
    static func answered(_ call: SRTCall?, by listener: ListenerCore) {
        answered.with { $0[pthread_self()] = (listener, call) }
    }

    static func forget(_ listener: ListenerCore) {
        answered.with { answered in answered = answered.filter { $0.value.listener !== listener } }
    }

    private static func read(_ message: UnsafePointer<CChar>) {
        guard
            let at = mark.withUTF8Buffer({ mark in
                mark.withMemoryRebound(to: CChar.self) { strstr(message, $0.baseAddress!) }
            })
        else { return }
        let code = Int32(clamping: atol(at + mark.utf8CodeUnitCount)) - wireOffset
        let found = answered.with { $0.removeValue(forKey: pthread_self()) }
        guard let found, let call = found.call else { return }
        found.listener.refused(SRTRefusal(call: call, reason: SRTRejection(rawValue: code)))
    }
}
