/// Windows on the disk, for viewers who rewind.
extension Settings {
    public struct Rewind: Sendable, Equatable {
        /// 0 is none.
        public var window: Milliseconds = 0
        /// The folder below which they lie; empty is none.
        public var path = ""
        /// Bytes that the file system is to have left; 0 is none.
        public var minFree = 0
    }
}
