import StreamID

/// A stream id of any bytes: what is taken has an application and a name without slashes, and what is put together from
/// its parts in the standard form is read as the same stream.
func fuzzStreamID(_ data: Span<UInt8>) {
    guard let id = try? StreamID(parsing: data, defaultApp: "live") else { return }
    precondition(data.count <= StreamID.limit)
    precondition(!id.app.isEmpty && !id.app.utf8.contains(0x2F))
    precondition(!id.name.isEmpty && !id.name.utf8.contains(0x2F))
    // A comma ends a value there, and a question mark a name.
    let path = "\(id.app)/\(id.name)"
    guard !path.utf8.contains(0x2C), !path.utf8.contains(0x3F), path.utf8.count < 400 else { return }
    let again = try? StreamID(parsing: "#!::r=\(path),m=publish", defaultApp: "other")
    precondition(again?.app == id.app && again?.name == id.name && again?.mode == .publish)
}
