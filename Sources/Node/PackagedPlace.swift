/// The stream whose packaged media a connection has asked for last: its next request is mostly about the same, and nothing
/// is looked up again for it.
import Fanout
import Packaging

final class PackagedPlace {
    let name: StreamName
    /// The stream may end while the connection is silent, and its media go.
    private weak var last: Shelf?

    init(_ name: StreamName) { self.name = name }

    /// The stream's shelf, if it is here and anything has been packaged.
    func shelf(in hub: Hub) -> Shelf? {
        if let last, !last.isEnded { return last }
        let shelf = hub.find(name)?.shelfIfAny
        last = shelf
        return shelf
    }
}
