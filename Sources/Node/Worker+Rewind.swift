/// Streams that are published here and whose windows are kept are packaged all the time, whether anybody asks or not.
import Fanout
import Packaging

extension Worker {
    func startRewinding(of handle: StreamHandle) {
        let name = handle.name
        let own = state.settings.of(app: name.app, stream: name.name)
        guard let form = own.hls.form.playlists, let keeper = state.rewinding.keeper(of: name) else { return }
        _ = handle.packaged(PackageSettings(own.hls, form: form), keeper: keeper, from: loop)
    }

    /// Milliseconds without a request after which a stream is no longer packaged.
    func packagingIdle(of stream: Stream) -> UInt64 {
        let isKept = stream.publisher?.isUpstream != true && state.rewinding.keeps(stream.name)
        return isKept ? .max : UInt64(state.settings.of(app: stream.name.app, stream: stream.name.name).hls.idle)
    }
}
