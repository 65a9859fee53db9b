/// What ends the heads of prepared answers: the same bytes for all answers of a loop within one second.
import EventLoop
import HTTP

struct AnswerTails {
    /// Of Unix time.
    private var second: UInt64 = .max
    private var keepAlive: [UInt8] = []
    private var close: [UInt8] = []

    mutating func tail(keepAlive isKept: Bool) -> [UInt8] {
        let now = Clock.unixMilliseconds / 1_000
        if now != second {
            second = now
            let date = HTTPDate.format(Int64(now))
            keepAlive = PreparedResponse.tail(date: date, keepAlive: true)
            close = PreparedResponse.tail(date: date, keepAlive: false)
        }
        return isKept ? keepAlive : close
    }
}
