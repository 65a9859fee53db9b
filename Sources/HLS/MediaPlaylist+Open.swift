extension MediaPlaylist {
    /// The number of the segment that is open.
    public var openNumber: UInt32? { open?.number }
}
