/// The recordings that live on a loop: begun when a stream is published, or when the API asks for one.
import EventLoop
import Fanout
import Operations
import Recording

extension Worker {
    /// A stream is published here: it is recorded if its settings say so.
    func startRecording(of handle: StreamHandle) {
        let record = state.settings.of(app: handle.name.app, stream: handle.name.name).record
        guard let format = record.format.recorded else { return }
        guard !record.path.isEmpty else {
            return state.log.write(
                .warning, "record.refused",
                [("stream", "\(handle.name)"), ("reason", "record.path is not set; name the folder to record into")])
        }
        self.record(handle, format, isRequested: false)
    }

    /// Records the stream on this loop, unless it is recorded already.
    func record(_ handle: StreamHandle, _ format: RecordingFormat, isRequested: Bool) {
        let recording = StreamRecording(handle, format, isRequested: isRequested, worker: self)
        guard state.recordings.enter(recording, on: loop) else { return }
        keep(recording)
        recording.begin()
    }

    /// Of the streams that are recorded on this loop.
    var recordingReports: [StreamName: RecordingReport] {
        Dictionary(recordings.map { ($0.handle.name, $0.report) }, uniquingKeysWith: { _, newer in newer })
    }

    func endRecordings() { for recording in recordings { recording.end(.shutdown) } }
}
