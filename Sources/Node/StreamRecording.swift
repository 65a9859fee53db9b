/// One stream's recording on the loop where it was begun: keeps a recorder at work as long as the stream lasts, and
/// makes another when one has failed.
import EventLoop
import Fanout
import Operations
import Recording

final class StreamRecording {
    let handle: StreamHandle
    /// By the API: it goes on wherever the stream is published.
    let isRequested: Bool
    private let format: RecordingFormat
    private unowned let worker: Worker
    private var phase = Phase.over
    /// The next file's.
    private var number = 1
    /// Whether all tracks are known; and what there is to say if none of them has a place in the format.
    private var isFitKnown = false
    private var misfit: String?

    private enum Phase {
        case running(RecordOutlet)
        /// Until a time of the loop's clock.
        case paused(until: UInt64, RecordingFailure)
        case over
    }

    /// Milliseconds from a failure to the next try: time to free space, and seldom enough for a disk that is broken.
    private static let pause: UInt64 = 60_000

    init(_ handle: StreamHandle, _ format: RecordingFormat, isRequested: Bool, worker: Worker) {
        self.handle = handle
        self.format = format
        self.isRequested = isRequested
        self.worker = worker
    }

    func begin() {
        let recorder = worker.state.recordings.makeRecorder(handle.name, format, number: number)
        let outlet = RecordOutlet(recorder, of: handle) { [unowned self] _ in end(.ended) }
        phase = .running(outlet)
        worker.fanout.attach(outlet, to: handle)
    }

    /// About once a second.
    func tick(now: UInt64) {
        if handle.isClosed, case .paused = phase { return end(.ended) }
        if !isFitKnown { askFit() }
        switch phase {
        case .running(let outlet):
            outlet.recorder.flush()
            // Asked for its status, a recorder learns of the disk's failure.
            if case .stopped(let failure) = outlet.recorder.status.state { pause(outlet, failure, now) }
        case .paused(let until, _):
            guard now >= until else { return }
            worker.state.log.write(.info, "record.again", [("stream", "\(handle.name)")])
            begin()
        case .over: break
        }
    }

    private func askFit() {
        let me = LoopBound(Weak(self), on: worker.loop)
        let recordings = worker.state.recordings
        recordings.ask(fitOf: handle, in: format, from: worker.loop) { loop, fit in
            guard let recording = me.value(on: loop).object else { return }
            recording.isFitKnown = fit.isSettled
            guard fit.isNothing, recording.misfit == nil else { return }
            let misfit = Recordings.misfit(fit, recording.format)
            recording.misfit = misfit
            recording.worker.state.log.write(
                .warning, "record.refused", [("stream", "\(recording.handle.name)"), ("reason", misfit)])
        }
    }

    private func pause(_ outlet: RecordOutlet, _ failure: RecordingFailure, _ now: UInt64) {
        number = outlet.recorder.number
        outlet.detach()
        outlet.recorder.lane.retire()
        phase = .paused(until: now + StreamRecording.pause, failure)
        guard failure != .closed else { return }
        worker.state.log.write(
            .warning, "record.paused",
            [
                ("stream", "\(handle.name)"), ("code", failure.code), ("again_ms", "\(StreamRecording.pause)"),
                ("reason", "the stream goes on without being recorded; it is tried again"),
            ])
    }

    /// Completes the file, and lets go of the stream.
    func end(_ reason: EndReason) {
        if case .over = phase { return }
        if case .running(let outlet) = phase {
            outlet.recorder.finish(reason)
            outlet.recorder.lane.retire()
            outlet.detach()
        }
        phase = .over
        worker.state.recordings.leave(self)
        worker.forget(self)
    }

    var report: RecordingReport {
        switch phase {
        case .over: return RecordingReport(state: "waiting", format: format.rawValue)
        case .paused(_, let failure):
            return RecordingReport(state: "paused", format: format.rawValue, error: failure.description)
        case .running(let outlet):
            let status = outlet.recorder.status
            var report = RecordingReport(
                state: status.state == .recording ? "recording" : "waiting", format: format.rawValue,
                file: status.path, bytes: status.fileBytes, seconds: Double(status.fileDuration) / 1000,
                queued: status.queued, files: status.files)
            report.error = misfit
            if case .stopped(let failure) = status.state {
                report.state = "paused"
                report.error = failure.description
            }
            return report
        }
    }
}
