/// The library's callbacks, and the settings that all sessions share.
///
/// Each recovers the connection that the session belongs to and calls one method. A connection owns its session, so it
/// is there whenever the library calls.
import CNGHTTP2

enum Callbacks {
    /// Made once and never changed: a session copies what it needs of them.
    nonisolated(unsafe) static let table: OpaquePointer = makeTable()
    nonisolated(unsafe) static let options: OpaquePointer = makeOptions()

    private static func makeOptions() -> OpaquePointer {
        var options: OpaquePointer?
        precondition(nghttp2_option_new(&options) == 0, "no memory for the library's options")
        // Closed streams would be kept for priorities that are not used (RFC 9113 §5.3.2).
        nghttp2_option_set_no_closed_streams(options, 1)
        nghttp2_option_set_max_outbound_ack(options, 500)
        return options!
    }

    private static func makeTable() -> OpaquePointer {
        var table: OpaquePointer?
        precondition(nghttp2_session_callbacks_new(&table) == 0, "no memory for the library's callbacks")
        addInput(to: table)
        addHeaders(to: table)
        addOutput(to: table)
        return table!
    }

    private static func addInput(to table: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(table) { _, head, argument in
            connection(argument).frameBegins(head!.pointee)
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(table) { _, frame, argument in
            connection(argument).frameCame(frame!)
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) { _, _, stream, bytes, count, argument in
            connection(argument).bodyCame(stream, UnsafeBufferPointer(start: bytes, count: count))
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(table) { _, stream, code, argument in
            connection(argument).streamClosed(stream, code)
        }
        nghttp2_session_callbacks_set_error_callback2(table) { _, _, text, count, argument in
            let bytes = UnsafeBufferPointer(start: text, count: count)
            return connection(argument).complained(String(decoding: UnsafeRawBufferPointer(bytes), as: UTF8.self))
        }
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) { _, _, code, argument in
            connection(argument).complained(String(cString: nghttp2_strerror(code)))
        }
    }

    private static func addHeaders(to table: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(table) { _, frame, argument in
            connection(argument).headersBegin(frame!)
        }
        nghttp2_session_callbacks_set_on_header_callback(table) {
            _, frame, name, nameCount, value, count, _, argument in
            connection(argument).headerCame(
                frame!.pointee.hd.stream_id, UnsafeBufferPointer(start: name, count: nameCount),
                UnsafeBufferPointer(start: value, count: count))
        }
        nghttp2_session_callbacks_set_on_invalid_header_callback(table) { _, frame, _, _, _, _, _, argument in
            connection(argument).invalidHeaderCame(frame!.pointee.hd.stream_id)
        }
    }

    private static func addOutput(to table: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_frame_send_callback(table) { _, frame, argument in
            connection(argument).frameLeft(frame!)
        }
        nghttp2_session_callbacks_set_send_data_callback(table) { _, frame, head, _, _, argument in
            connection(argument).takeBody(frame!.pointee.hd.stream_id, head!)
        }
    }

    /// Where a response's body comes from; the connection knows by the stream.
    static var provider: nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source()) { _, stream, _, limit, flags, _, argument in
            connection(argument).prepareBody(stream, limit, flags!)
        }
    }
}

/// Not a method: a C callback captures nothing, not even a type.
private func connection(_ argument: UnsafeMutableRawPointer?) -> HTTP2Connection {
    Unmanaged<HTTP2Connection>.fromOpaque(argument!).takeUnretainedValue()
}
