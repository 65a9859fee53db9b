/// What the library has to say of the bytes that came. None of it calls the caller: it ends up in exchanges and events.
///
/// Every method returns 0: a connection that has to end is marked as failed, and ignores what follows.
import CNGHTTP2
import HTTP

extension HTTP2Connection {
    // MARK: Frames

    func frameBegins(_ head: nghttp2_frame_hd) -> Int32 {
        guard failure == nil, let kind = costOf(head) else { return 0 }
        if !flood.spend(kind, now: now) { fail(.flood(kind)) }
        return 0
    }

    /// Frames that carry a request or its body cost the client more than us, unless they are empty. Those of unknown
    /// kinds are passed over by the library, and cost what their bytes cost.
    private func costOf(_ head: nghttp2_frame_hd) -> FloodGuard.Kind? {
        let endsStream = UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch nghttp2_frame_type(rawValue: UInt32(head.type)) {
        case NGHTTP2_DATA: return head.length == 0 && !endsStream ? .empty : nil
        case NGHTTP2_HEADERS: return nil
        case NGHTTP2_CONTINUATION: return head.length == 0 ? .empty : nil
        case NGHTTP2_PRIORITY, NGHTTP2_PRIORITY_UPDATE: return .priority
        case NGHTTP2_RST_STREAM: return .reset
        case NGHTTP2_SETTINGS: return .settings
        case NGHTTP2_PING: return .ping
        case NGHTTP2_WINDOW_UPDATE: return .windowUpdate
        default: return nil
        }
    }

    func frameCame(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        guard failure == nil else { return 0 }
        let head = frame.pointee.hd
        let endsStream = UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch nghttp2_frame_type(rawValue: UInt32(head.type)) {
        case NGHTTP2_HEADERS:
            guard let exchange = exchanges[head.stream_id] else { break }
            if frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST { headComplete(exchange, hasBody: !endsStream) }
            if endsStream { requestComplete(exchange) }
        case NGHTTP2_DATA:
            if endsStream, let exchange = exchanges[head.stream_id] { requestComplete(exchange) }
        case NGHTTP2_GOAWAY:
            add(.goodbye(code: frame.pointee.goaway.error_code))
        case NGHTTP2_PING:
            // The only ping of ours is the one between two goodbyes.
            if UInt32(head.flags) & NGHTTP2_FLAG_ACK.rawValue != 0, case .announced = farewell { sayGoodbye() }
        default: break
        }
        return 0
    }

    // MARK: Requests

    func headersBegin(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        guard failure == nil, frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else { return 0 }
        let stream = frame.pointee.hd.stream_id
        exchanges[stream] = Exchange(stream, now: now)
        flood.earn(.priority, 2)
        return 0
    }

    func headerCame(
        _ stream: Int32, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
    ) -> Int32 {
        // Trailers come to a request whose head is complete; nobody has a use for them.
        guard failure == nil, let exchange = exchanges[stream], case .head(var fields) = exchange.state else {
            return 0
        }
        exchange.state = .answering  // So that the fields are changed where they are.
        fields.add(name, value, limits: limits.http)
        if fields.size > limits.http.maxHeaderBytes * HTTP2Limits.headerExcess {
            fail(.calm("http2_header_flood", "a request's headers go far beyond the limit that was announced"))
        }
        exchange.state = .head(fields)
        return 0
    }

    func invalidHeaderCame(_ stream: Int32) -> Int32 {
        guard failure == nil, let exchange = exchanges[stream], case .head(var fields) = exchange.state else {
            return 0
        }
        fields.addInvalid()
        exchange.state = .head(fields)
        return 0
    }

    private func headComplete(_ exchange: Exchange, hasBody: Bool) {
        guard case .head(let fields) = exchange.state else { return }
        do throws(HTTPError) {
            let request = try fields.request(limits: limits.http)
            exchange.state = .body(request, [])
            if hasBody, request.header("expect")?.lowercased() == "100-continue" { sayContinue(exchange.stream) }
        } catch {
            exchange.isHeard = !hasBody
            refuse(exchange, error)
        }
    }

    /// RFC 9110 §10.1.1: the client waits with the body.
    private func sayContinue(_ stream: Int32) {
        var fields = ResponseFields(status: 100)
        _ = fields.withVectors { vectors, count in
            nghttp2_submit_headers(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, nil, vectors, count, nil)
        }
    }

    func bodyCame(_ stream: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        guard failure == nil, let exchange = exchanges[stream], case .body(let request, var body) = exchange.state
        else { return 0 }
        guard body.count + bytes.count <= limits.http.maxBody else {
            refuse(exchange, .body(limits.http.maxBody))
            return 0
        }
        guard bodyBytes + bytes.count <= limits.maxBodies else {
            refuse(exchange, .bodies(limits.maxBodies))
            return 0
        }
        bodyBytes += bytes.count
        exchange.state = .body(request, [])  // So that the body is appended to where it is.
        body.append(contentsOf: bytes)
        exchange.state = .body(request, body)
        return 0
    }

    private func requestComplete(_ exchange: Exchange) {
        exchange.isHeard = true
        guard case .body(var request, let body) = exchange.state else { return }
        request.body = body
        exchange.state = .ready(request)
        add(.request(stream: exchange.stream, request))
    }

    /// Answers what is not worth waiting for; the client need not send the rest.
    func refuse(_ exchange: Exchange, _ error: HTTPError) {
        let response = HTTPResponse(error)
        let body = [BodyRange(copying: response.body)]
        submit(
            exchange.stream, ResponseFields(response, length: response.body.count, date: nil), ResponseBody(body))
        add(.refused(stream: exchange.stream, error))
    }

    // MARK: Ends

    func streamClosed(_ stream: Int32, _ code: UInt32) -> Int32 {
        guard let exchange = exchanges.removeValue(forKey: stream) else { return 0 }
        bodyBytes -= exchange.heldBytes
        lastBusy = now
        guard exchange.isHandedOut, failure == nil else { return 0 }
        let isComplete = exchange.answered != nil || code == NGHTTP2_NO_ERROR.rawValue
        let end = exchange.end ?? (isComplete ? .complete : .reset(code: code))
        add(.closed(stream: stream, end))
        return 0
    }

    /// The library's own words; the first are about the frame, what follows about its consequences.
    func complained(_ text: String) -> Int32 {
        if complaint == nil { complaint = text }
        return 0
    }
}
