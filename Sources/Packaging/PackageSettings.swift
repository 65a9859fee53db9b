/// How an application's streams are packaged for HLS. Times are in milliseconds.
import HLS

public struct PackageSettings: Sendable, Hashable {
    public var form: PlaylistSettings.Form
    /// What parts are cut toward, where the form has them.
    public var part: Int64
    /// Media that a playlist holds at least.
    public var window: Int64
    /// How long what has ended is kept though nobody asks.
    public var idle: Int64

    /// Viewers of one stream that are told apart, at most: the settings' own limits are for less.
    public static let mostViewers = 1_000_000
    /// Requests of one stream that wait at the same time, at most.
    static let mostWaiting = 100_000

    public init(
        form: PlaylistSettings.Form = .lowLatency, part: Int64 = 200, window: Int64 = 12_000,
        idle: Int64 = 30_000
    ) {
        self.form = form
        self.part = part
        self.window = window
        self.idle = idle
    }
}
