/// What ends the heads of prepared answers: the same bytes for all answers of a loop within one second.
import EventLoop
import HTTP

struct AnswerTails {
    /// When the clock was last looked at, in milliseconds of the loop's time.
    private var looked: UInt64 = .max
    /// Of Unix time.
    private var second: UInt64 = .max
    private var keepAlive: [UInt8] = []
    private var close: [UInt8] = []

    /// `now`: the loop's time.
    mutating func tail(keepAlive isKept: Bool, now: UInt64) -> [UInt8] {
        if now != looked {
            looked = now
            renew()
        }
        return isKept ? keepAlive : close
    }

    private mutating func renew() {
        let now = Clock.unixMilliseconds / 1_000
        if now != second {
            second = now
            let date = HTTPDate.format(Int64(now))
            keepAlive = PreparedResponse.tail(date: date, keepAlive: true)
            close = PreparedResponse.tail(date: date, keepAlive: false)
        }
    }
}
