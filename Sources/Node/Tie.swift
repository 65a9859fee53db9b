/// Remembers an object without keeping it, for callbacks that come back to the loop that both live on.
///
/// A weak reference would do the same, but from the first one on every count of the object takes the runtime's slow way;
/// this is for objects that are counted for each frame. Invariant: the object cuts the tie when it goes (`deinit`), on
/// the loop that reads it: that makes `unowned(unsafe)` sound.
final class Tie<Object: AnyObject> {
    private(set) unowned(unsafe) var object: Object?

    func bind(_ object: Object) { self.object = object }

    func cut() { object = nil }
}
