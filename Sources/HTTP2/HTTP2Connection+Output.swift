/// What is written: frames as the library makes them, bodies from where they are.
///
/// The library is asked for frames only while fewer than `HTTP2Limits.outputTarget` bytes are ready, so the order of
/// urgency among the streams is decided as late as possible, and a slow socket holds up memory of that size at most.
import CNGHTTP2
import Glibc
import HTTP

extension HTTP2Connection {
    /// Hands what is ready to `write` until it takes less than it was offered, or there is no more. `write` says how many
    /// bytes it took (none if the socket is full), and is offered each byte until it has been taken.
    ///
    /// Returns whether all is out. If not, it is to be called again when the socket is writable: that may be at once,
    /// because one call hands over a limited amount, for the sake of the other connections.
    public func send(through write: (UnsafeBufferPointer<iovec>) -> Int) -> Bool {
        var budget = HTTP2Limits.sendBudget
        while true {
            whileBusy { makeReady() }
            if output.isEmpty {
                lastSent = now
                return true
            }
            guard budget > 0 else { return false }
            let (offered, taken) = whileBusy {
                output.withVectors(HTTP2Limits.vectors) { vectors in
                    (vectors.reduce(0) { $0 + $1.iov_len }, write(vectors))
                }
            }
            precondition(taken <= offered, "more was written than there was")
            if taken > 0 { lastSent = now }
            output.advance(by: max(0, taken))
            budget -= taken
            if taken < offered { return false }
        }
    }

    /// Everything that is ready, and what is left to say beside bodies, copied: for a connection that is to be closed.
    /// After this nothing is sent, and every stream is over.
    public func takeRest() -> [UInt8] {
        exchanges = [:]
        bodyBytes = 0
        if failure == nil { nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR.rawValue) }
        whileBusy { while makeFrames() {} }
        return output.takeAll()
    }

    /// Whether there may be something to send. It may turn out that there is not: a live body has nothing yet.
    public var hasOutput: Bool { !output.isEmpty || nghttp2_session_want_write(session) != 0 }

    func makeReady() {
        while output.count < HTTP2Limits.outputTarget, makeFrames() {}
    }

    /// Puts some frames into the queue; false if there are none.
    private func makeFrames() -> Bool {
        let before = output.count
        var bytes: UnsafePointer<UInt8>?
        let count = nghttp2_session_mem_send(session, &bytes)
        guard count >= 0 else {
            if failure == nil { fail(.violation(Int32(clamping: count), complaint ?? "")) }
            return false
        }
        output.append(UnsafeBufferPointer(start: bytes, count: count))
        return output.count > before
    }

    // MARK: The library's callbacks

    /// How many bytes of that stream's body come next.
    func prepareBody(_ stream: Int32, _ limit: Int, _ flags: UnsafeMutablePointer<UInt32>) -> Int {
        guard let exchange = exchanges[stream], exchange.end == nil else {
            return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        let count = exchange.body.prepare(upTo: limit)
        if exchange.body.isOver {
            flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        } else if count == 0 {
            exchange.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        return count
    }

    /// Takes the bytes that were announced, behind their frame's head.
    func takeBody(_ stream: Int32, _ head: UnsafePointer<UInt8>) -> Int32 {
        guard let exchange = exchanges[stream] else { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue }
        output.append(UnsafeBufferPointer(start: head, count: HTTP2Connection.frameHead))
        for range in exchange.body.takePrepared() { output.append(range) }
        exchange.lastProgress = now
        flood.earn(.windowUpdate, 4)
        return output.count < HTTP2Limits.outputTarget ? 0 : NGHTTP2_ERR_PAUSE.rawValue
    }

    /// RFC 9113 §4.1.
    private static let frameHead = 9

    func frameLeft(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let head = frame.pointee.hd
        switch nghttp2_frame_type(rawValue: UInt32(head.type)) {
        case NGHTTP2_DATA, NGHTTP2_HEADERS:
            guard UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0, let exchange = exchanges[head.stream_id]
            else { break }
            exchange.body = ResponseBody([])
            exchange.answered = now
        case NGHTTP2_RST_STREAM:
            // A client can make the server reset streams as well as reset them itself.
            let isOurs = exchanges[head.stream_id]?.end != nil
            let code = frame.pointee.rst_stream.error_code
            if failure == nil, !isOurs, code != NGHTTP2_NO_ERROR.rawValue, !flood.spend(.reset, now: now) {
                fail(.flood(.reset))
            }
        case NGHTTP2_GOAWAY where failure == nil && frame.pointee.goaway.error_code != NGHTTP2_NO_ERROR.rawValue:
            let goodbye = frame.pointee.goaway
            let detail = UnsafeBufferPointer(start: goodbye.opaque_data, count: goodbye.opaque_data_len)
            fail(.violation(goodbye: goodbye.error_code, String(decoding: detail, as: UTF8.self), complaint))
        default: break
        }
        return 0
    }
}
