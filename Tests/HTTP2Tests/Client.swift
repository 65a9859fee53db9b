/// The other side in the tests: the library's own client, without a socket.
import CNGHTTP2

final class Client {
    struct Answer {
        var status = 0
        var interim: [Int] = []
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        var isComplete = false
        var resetCode: UInt32?
    }

    private var session: OpaquePointer?
    private(set) var answers: [Int32: Answer] = [:]
    /// Of goodbyes: the last stream and the code.
    private(set) var goodbyes: [(last: Int32, code: UInt32)] = []
    private(set) var settings: [UInt32: UInt32] = [:]
    private var bodies: [Int32: [UInt8]] = [:]
    /// Bytes that wait to be consumed, where windows are not opened by themselves.
    private var unread: [Int32: Int] = [:]

    /// - Parameter opensWindows: whether each byte is consumed as it comes.
    init(opensWindows: Bool = true, window: UInt32? = nil) {
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        defer { nghttp2_session_callbacks_del(callbacks) }
        Client.listen(callbacks)
        var options: OpaquePointer?
        nghttp2_option_new(&options)
        defer { nghttp2_option_del(options) }
        nghttp2_option_set_no_auto_window_update(options, opensWindows ? 0 : 1)
        // A client that does not wait for the server's settings.
        nghttp2_option_set_peer_max_concurrent_streams(options, 1_000)
        let me = Unmanaged.passUnretained(self).toOpaque()
        nghttp2_session_client_new2(&session, callbacks, me, options)
        var settings: [nghttp2_settings_entry] = []
        if let window {
            settings.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: window))
        }
        nghttp2_submit_settings(session, 0, settings, settings.count)
    }

    deinit { nghttp2_session_del(session) }

    private static func listen(_ callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_header_callback(callbacks) { _, frame, name, nameCount, value, count, _, me in
            let name = String(decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self)
            let value = String(decoding: UnsafeBufferPointer(start: value, count: count), as: UTF8.self)
            client(me).header(frame!.pointee.hd.stream_id, name, value)
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, me in
            client(me).answers[stream]?.body += UnsafeBufferPointer(start: bytes, count: count)
            client(me).unread[stream, default: 0] += count
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, me in
            client(me).frame(frame!.pointee)
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, me in
            if code != 0 { client(me).answers[stream]?.resetCode = code }
            return 0
        }
    }

    private func header(_ stream: Int32, _ name: String, _ value: String) {
        guard name == ":status" else {
            answers[stream]?.headers[name] = value
            return
        }
        let status = Int(value) ?? -1
        if status < 200 { answers[stream]?.interim.append(status) } else { answers[stream]?.status = status }
    }

    private func frame(_ frame: nghttp2_frame) {
        switch nghttp2_frame_type(rawValue: UInt32(frame.hd.type)) {
        case NGHTTP2_GOAWAY: goodbyes.append((frame.goaway.last_stream_id, frame.goaway.error_code))
        case NGHTTP2_RST_STREAM: answers[frame.hd.stream_id]?.resetCode = frame.rst_stream.error_code
        case NGHTTP2_SETTINGS:
            for index in 0..<frame.settings.niv {
                let entry = frame.settings.iv[index]
                settings[UInt32(entry.settings_id)] = entry.value
            }
        default: break
        }
        if UInt32(frame.hd.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0,
            frame.hd.type == NGHTTP2_DATA.rawValue || frame.hd.type == NGHTTP2_HEADERS.rawValue
        {
            answers[frame.hd.stream_id]?.isComplete = true
        }
    }

    // MARK: Requests

    @discardableResult
    func get(_ path: String, _ headers: [(String, String)] = []) -> Int32 {
        send([(":method", "GET"), (":scheme", "https"), (":authority", "example.org"), (":path", path)] + headers)
    }

    @discardableResult
    func post(_ path: String, _ body: [UInt8], _ headers: [(String, String)] = []) -> Int32 {
        send(
            [(":method", "POST"), (":scheme", "https"), (":authority", "example.org"), (":path", path)] + headers,
            body: body)
    }

    /// Whatever the header list is. A body that is `withheld` leaves the request open.
    @discardableResult
    func send(_ headers: [(String, String)], body: [UInt8]? = nil, withheld: Bool = false) -> Int32 {
        let texts = headers.map { (Array($0.0.utf8) + [0], Array($0.1.utf8) + [0]) }
        var memory: [UnsafeMutablePointer<UInt8>] = []
        func copy(_ text: [UInt8]) -> UnsafeMutablePointer<UInt8> {
            let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count)
            copy.initialize(from: text, count: text.count)
            memory.append(copy)
            return copy
        }
        defer { for text in memory { text.deallocate() } }
        let vectors = texts.map { name, value in
            nghttp2_nv(
                name: copy(name), value: copy(value), namelen: name.count - 1, valuelen: value.count - 1, flags: 0)
        }
        guard let body else {
            let stream =
                withheld
                ? nghttp2_submit_headers(session, 0, -1, nil, vectors, vectors.count, nil)
                : nghttp2_submit_request(session, nil, vectors, vectors.count, nil, nil)
            answers[stream] = Answer()
            return stream
        }
        var provider = nghttp2_data_provider(source: nghttp2_data_source()) { _, stream, buffer, limit, flags, _, me in
            client(me).giveBody(stream, UnsafeMutableBufferPointer(start: buffer, count: limit), flags!)
        }
        let stream = nghttp2_submit_request(session, nil, vectors, vectors.count, &provider, nil)
        answers[stream] = Answer()
        bodies[stream] = body
        return stream
    }

    private func giveBody(
        _ stream: Int32, _ buffer: UnsafeMutableBufferPointer<UInt8>, _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let body = bodies[stream] ?? []
        let count = min(body.count, buffer.count)
        for index in 0..<count { buffer[index] = body[index] }
        bodies[stream] = Array(body[count...])
        if count == body.count { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return count
    }

    func reset(_ stream: Int32) { nghttp2_submit_rst_stream(session, 0, stream, NGHTTP2_CANCEL.rawValue) }

    func ping() { nghttp2_submit_ping(session, 0, nil) }

    func sayGoodbye() { nghttp2_submit_goaway(session, 0, 0, 0, nil, 0) }

    /// Opens the windows by what has come on this stream.
    func consume(_ stream: Int32) {
        nghttp2_session_consume(session, stream, unread[stream] ?? 0)
        unread[stream] = 0
    }

    // MARK: Bytes

    func takeOutput() -> [UInt8] {
        var all: [UInt8] = []
        var bytes: UnsafePointer<UInt8>?
        while case let count = nghttp2_session_mem_send(session, &bytes), count > 0 {
            all += UnsafeBufferPointer(start: bytes, count: count)
        }
        return all
    }

    /// False if the server broke the protocol.
    func receive(_ bytes: [UInt8]) -> Bool { nghttp2_session_mem_recv(session, bytes, bytes.count) == bytes.count }
}

private func client(_ argument: UnsafeMutableRawPointer?) -> Client {
    Unmanaged<Client>.fromOpaque(argument!).takeUnretainedValue()
}
