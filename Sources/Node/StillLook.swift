/// Somebody's look for the newest keyframe of a stream, for a picture of it. Lives on one loop, and ends with the first
/// keyframe, with the stream, or when its time is over.
import EventLoop
import Fanout
import Stills

final class StillLook {
    private let name: StreamName
    private unowned let worker: Worker
    private var outlet: KeyframeOutlet?
    private var timer: Timer?

    init(_ name: StreamName, worker: Worker) {
        self.name = name
        self.worker = worker
    }

    func begin(_ handle: StreamHandle) {
        let settings = worker.state.settings.of(app: name.app, stream: name.name).snapshot
        timer = Timer(on: worker.loop) { [unowned self] in end(.noKeyframe) }
        timer?.arm(after: UInt64(settings.timeout))
        let outlet = KeyframeOutlet { [unowned self] in saw($0) }
        self.outlet = outlet
        worker.fanout.attach(outlet, to: handle)
    }

    private func saw(_ keyframe: KeyframeOutlet.Keyframe?) {
        guard let keyframe else { return end(.ended) }
        forget()
        worker.state.stills.found(name, keyframe)
    }

    func end(_ failure: StillFailure) {
        forget()
        worker.state.stills.giveUp(name, failure)
    }

    private func forget() {
        outlet?.detach()
        outlet = nil
        timer = nil
        worker.looks.forget(self)
    }
}

/// The looks of one loop.
final class StillLooks {
    private var all: [StillLook] = []

    func start(_ look: StillLook, _ handle: StreamHandle) {
        all.append(look)
        look.begin(handle)
    }

    func forget(_ look: StillLook) { all.removeAll { $0 === look } }

    func endAll() { for look in all { look.end(.ended) } }
}
