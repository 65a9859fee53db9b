extension StreamName {
    /// As it stands in the path of an address, without the slash before it: `app/stream`, where the application may have
    /// slashes.
    public init?(path: Substring) {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        self.init(app: String(path[..<slash]), name: String(path[path.index(after: slash)...]))
    }
}
