/// What the multivariant playlist and the rendition reports say of the renditions on a shelf.
import HLS

extension Shelf.State {
    /// Those that are on the shelf, the main one first.
    var renditions: [Rendition] { tracks.keys.sorted() }

    func isReady(_ rendition: Rendition) -> Bool { tracks[rendition]?.playlist.isReady ?? false }

    /// One of which there is nothing to play yet.
    var late: Rendition? { announced.first ?? renditions.first { !isReady($0) } }

    /// Nil while it has nothing to play.
    func report(on rendition: Rendition) -> RenditionReport? {
        guard let playlist = tracks[rendition]?.playlist, playlist.isReady else { return nil }
        return playlist.report
    }

    /// A further audio track is told of while there is something to hear in its playlist.
    func multivariant(_ main: Shelf.Track, _ bandwidth: Bandwidth) -> MultivariantPlaylist {
        var variant = MultivariantPlaylist.Variant(
            bandwidth: bandwidth, codecs: main.traits.codecs.split(separator: ",").map(String.init))
        variant.width = picture.width
        variant.height = picture.height
        variant.milliFrameRate = main.traits.milliFrameRate
        var playlist = MultivariantPlaylist(variants: [variant])
        playlist.hasIndependentSegments = main.playlist.hasIndependentSegments
        if let sound = main.traits.sound { playlist.audio.append(audio(.main, number: 0, sound)) }
        for rendition in renditions {
            guard case .audio(let number) = rendition, let track = tracks[rendition], track.playlist.isReady,
                track.playlist.hasMedia, let sound = track.traits.sound
            else { continue }
            var choice = audio(rendition, number: number, sound)
            choice.bandwidth = track.playlist.bandwidth ?? choice.bandwidth
            playlist.audio.append(choice)
            playlist.hasIndependentSegments =
                playlist.hasIndependentSegments && track.playlist.hasIndependentSegments
        }
        return playlist
    }

    private func audio(_ rendition: Rendition, number: UInt8, _ sound: Sound) -> MultivariantPlaylist.Audio {
        label(number).choice(of: rendition, sound)
    }

    func label(_ number: UInt8) -> TrackLabel { labels[number] ?? TrackLabel() }
}
