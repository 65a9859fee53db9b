/// Who fills a tape at present: of two that follow one another, the end of the first is not the end of the second.
public final class TapeOwner: Sendable {
    public init() {}
}
