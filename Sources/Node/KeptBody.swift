/// A file of a window, or a range of it, on its way to one client. It is read in pieces on the deck's threads, one ahead of
/// what the client takes: so it costs two pieces of memory, whatever its size and however slow the client.
///
/// Lives on the client's loop. One place of `Rewinding`'s bodies is its own, from its making to its end.
import EventLoop
import HTTP2
import Recording
import StreamLog

final class KeptBody: LiveBody {
    /// Bytes of the whole body.
    let count: Int
    private let file: Tape.File
    private let deck: TapeDeck
    private let rewinding: Rewinding
    private unowned let loop: Loop
    /// Where the next piece is read from, and where the last one ends.
    private var offset: Int
    private let end: Int
    private var ready: SharedBytes?
    private var isReading = false
    private(set) var hasFailed = false
    /// What a client of HTTP/2 has no room for yet.
    private var rest = SharedBytes()
    /// A piece is there, or none will come. Not called from within any method of this.
    var onChange: ((KeptBody) -> Void)?

    /// Bytes of a piece: some tens of microseconds of a reader's time while the file is in the system's cache.
    private static let piece = 128 << 10

    /// Nil if too many are on their way.
    init?(_ range: Range<Int>, of file: Tape.File, _ rewinding: Rewinding, _ deck: TapeDeck, on loop: Loop) {
        guard rewinding.enter() else { return nil }
        count = range.count
        (offset, end) = (range.lowerBound, range.upperBound)
        self.file = file
        self.deck = deck
        self.rewinding = rewinding
        self.loop = loop
    }

    deinit { rewinding.leave() }

    /// All has been taken.
    var isOver: Bool { offset == end && ready == nil && !isReading }

    /// Reads ahead, if there is more. `onChange` tells what has become of it.
    func prepare() {
        guard offset < end, !isReading, ready == nil, !hasFailed else { return }
        let (start, size) = (offset, min(KeptBody.piece, end - offset))
        let (file, deck) = (file, deck)
        let me = LoopBound(Weak(self), on: loop)
        let mailbox = loop.mailbox
        isReading = deck.read(among: .max) {
            let piece = deck.piece(of: file, at: start, count: size)
            mailbox.post { loop in me.value(on: loop).object?.hasRead(piece) }
        }
        hasFailed = !isReading
    }

    private func hasRead(_ piece: SharedBytes?) {
        isReading = false
        hasFailed = piece == nil
        ready = piece
        offset += piece?.count ?? 0
        onChange?(self)
    }

    /// The next piece, if it is there; the one behind it is read meanwhile.
    func take() -> SharedBytes? {
        guard let piece = ready else { return nil }
        ready = nil
        prepare()
        return piece
    }

    // MARK: HTTP/2

    func next(upTo limit: Int, into ranges: inout [BodyRange]) -> Bool {
        var room = limit
        while room > 0 {
            if rest.count == 0 {
                guard let piece = take() else { break }
                rest = piece
            }
            let count = min(room, rest.count)
            rest[0..<count].appendRanges(to: &ranges)
            rest = rest[count..<rest.count]
            room -= count
        }
        return isOver && rest.count == 0
    }
}
