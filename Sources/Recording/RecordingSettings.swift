/// How and where an application's streams are recorded.
public struct RecordingSettings: Sendable, Equatable {
    public var format: RecordingFormat
    public var pattern: FilePattern
    public var cut: CutPolicy
    /// How long bytes may wait on the loop before they go to the disk thread, in milliseconds of stream time. What a
    /// crash of the process loses at most; 0 hands over with every flush.
    public var batchMilliseconds: Int64
    /// How many bytes make a batch, however short the time.
    public var batchBytes: Int
    /// Bytes that may wait for the disk, prologues and everything included: more, and the recording stops.
    public var queueBytes: Int

    public static let defaultBatchMilliseconds: Int64 = 250
    public static let defaultBatchBytes = 256 << 10
    /// A minute of an 8 Mbit/s stream.
    public static let defaultQueueBytes = 64 << 20

    public init(
        format: RecordingFormat = .fmp4, pattern: FilePattern = .standard, cut: CutPolicy = .never,
        batchMilliseconds: Int64 = defaultBatchMilliseconds, batchBytes: Int = defaultBatchBytes,
        queueBytes: Int = defaultQueueBytes
    ) {
        self.format = format
        self.pattern = pattern
        self.cut = cut
        self.batchMilliseconds = max(0, batchMilliseconds)
        self.batchBytes = max(1, batchBytes)
        self.queueBytes = max(1, queueBytes)
    }
}
