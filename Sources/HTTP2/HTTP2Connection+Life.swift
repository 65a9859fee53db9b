/// How a connection grows old: slow requests, stalled streams, the shutdown, the end.
import CNGHTTP2
import HTTP

extension HTTP2Connection {
    /// Looks for what takes too long; to be called about twice a second. Then `next` may have something, and `send`.
    public func tick(now: UInt64) throws(HTTP2Error) {
        self.now = max(self.now, now)
        if failure == nil { lookForDelays() }
        if let failure { throw failure }
        if case .announced(let since) = farewell, self.now - since >= HTTP2Limits.goodbyePatience { sayGoodbye() }
    }

    private func lookForDelays() {
        if !output.isEmpty, now - lastSent > limits.stallTimeout {
            return fail(
                HTTP2Error(
                    code: NGHTTP2_NO_ERROR.rawValue, reason: "http2_stalled",
                    description: "the client has taken no byte in \(limits.stallTimeout) ms"))
        }
        for exchange in Array(exchanges.values) where failure == nil && exchange.end == nil {
            lookForDelay(of: exchange)
        }
    }

    private func lookForDelay(of exchange: Exchange) {
        switch exchange.state {
        case .head where now - exchange.since > limits.requestTimeout:
            fail(.calm("http2_slow_head", "a request's headers were not complete in \(limits.requestTimeout) ms"))
        case .body where now - exchange.since > limits.requestTimeout:
            refuse(exchange, .slowBody)
        case .answering:
            if let answered = exchange.answered {
                // RFC 9113 §8.1: the answer is complete before the request is, and the rest of that is not wanted. It
                // is left a moment, because curl drops an answer that comes together with the reset.
                guard now - answered >= HTTP2Limits.lingerTime else { return }
                reset(exchange.stream, code: NGHTTP2_NO_ERROR.rawValue, .complete)
            } else if exchange.isDeferred || !hasNoWindow(exchange.stream) {
                exchange.lastProgress = now
            } else if now - exchange.lastProgress > limits.stallTimeout {
                reset(exchange.stream, code: HTTP2Connection.cancel, .stalled)
            }
        default: break
        }
    }

    /// A stream that has to wait for more urgent ones has a window.
    private func hasNoWindow(_ stream: Int32) -> Bool {
        nghttp2_session_get_stream_remote_window_size(session, stream) <= 0
            || nghttp2_session_get_remote_window_size(session) <= 0
    }

    // MARK: The end

    /// Asks the client to open no more streams, and a round trip later tells it which the last was (RFC 9113 §6.8), so
    /// that no request is lost. What is open goes on; live bodies and parked requests are the caller's to end. When
    /// all are over `isFinished` is true.
    public func shutDown(now: UInt64) {
        self.now = max(self.now, now)
        guard failure == nil, case .none = farewell else { return }
        farewell = .announced(self.now)
        nghttp2_submit_shutdown_notice(session)
        nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    func sayGoodbye() {
        guard case .announced = farewell else { return }
        farewell = .said
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(session),
            NGHTTP2_NO_ERROR.rawValue, nil, 0)
    }

    /// Whether a goodbye was said, by either side, every stream is over and everything is out: the connection can be
    /// closed.
    public var isFinished: Bool { exchanges.isEmpty && !hasOutput && nghttp2_session_want_read(session) == 0 }

    /// The streams are over at once: what they held is let go of, save what lies half written in the output.
    func fail(_ error: HTTP2Error) {
        guard failure == nil else { return }
        failure = error
        exchanges = [:]
        bodyBytes = 0
        // Where the library has ended the session by itself this adds nothing.
        nghttp2_session_terminate_session(session, error.code)
    }
}
