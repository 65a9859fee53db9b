import Media

/// What the owner of a server session answers to a client's requests.
///
/// An answer that no longer has a request, because the client has closed its stream meanwhile, is dropped.
extension ServerSession {
    public mutating func acceptPublish() {
        guard case .publishRequested = role else { return }
        role = .publishing
        forgetCommands()
        wire.send(control: UserControl.streamBegin, Self.mediaStream)
        status("NetStream.Publish.Start", "\(streamName) is now published.")
    }

    /// Refuses a publish, with a code such as `NetStream.Publish.BadName`.
    public mutating func rejectPublish(code: String, description: String) {
        guard case .publishRequested = role else { return }
        role = .idle
        status(code, description, level: "error")
    }

    /// Tells a viewer that its stream begins, in the words that Flash, librtmp, ffmpeg and VLC wait for.
    public mutating func acceptPlay() {
        guard case .playRequested(let reset) = role else { return }
        role = .playing
        forgetCommands()
        wire.send(control: UserControl.streamBegin, Self.mediaStream)
        if reset { status("NetStream.Play.Reset", "Playing and resetting \(streamName).") }
        status("NetStream.Play.Start", "Started playing \(streamName).")
        data("|RtmpSampleAccess", true, true)
        data("onStatus", .object(["code": "NetStream.Data.Start"]))
    }

    /// Refuses a play, with a code such as `NetStream.Play.StreamNotFound`.
    public mutating func rejectPlay(code: String, description: String) {
        guard case .playRequested = role else { return }
        role = .idle
        status(code, description, level: "error")
    }

    /// Tells a viewer that its stream is over.
    public mutating func endPlay(reason: PlayEnd) {
        guard case .playing = role else { return }
        role = .idle
        wire.send(control: UserControl.streamEOF, Self.mediaStream)
        switch reason {
        case .unpublished: status("NetStream.Play.UnpublishNotify", "The stream is no longer published.")
        case .stopped: status("NetStream.Play.Stop", "The stream has stopped.")
        }
    }

    /// Throws a client out; the owner closes the connection then. What still arrives is ignored.
    public mutating func kick(description: String) {
        switch role {
        case .publishing, .publishRequested: status("NetStream.Publish.Failed", description, level: "error")
        case .playing, .playRequested: status("NetStream.Play.Failed", description, level: "error")
        case .idle, .closed: break
        }
        wire.send(command: ["close", 0.0, .null])
        role = .closed
    }

    private mutating func data(_ values: AMFValue...) {
        var payload: [UInt8] = []
        payload.append(amf: values)
        wire.send(MessageType.data, stream: Self.mediaStream, payload)
    }
}
