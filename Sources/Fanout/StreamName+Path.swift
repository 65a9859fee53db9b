/// A stream's name as it stands in the path of an address, without the slash before it: `app/stream`, where the
/// application may have slashes.
extension StreamName {
    /// The path is text.
    public init?(path: ArraySlice<UInt8>) {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        self.init(
            app: String(decoding: path[..<slash], as: UTF8.self),
            name: String(decoding: path[(slash + 1)...], as: UTF8.self))
    }

    /// Whether the path is this stream's.
    public func isNamed(by path: ArraySlice<UInt8>) -> Bool {
        let (app, name) = (app.utf8, name.utf8)
        return path.count == app.count + 1 + name.count && path[path.startIndex + app.count] == UInt8(ascii: "/")
            && path.starts(with: app) && path.dropFirst(app.count + 1).elementsEqual(name)
    }
}
