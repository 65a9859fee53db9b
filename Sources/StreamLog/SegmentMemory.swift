/// Memory for log segments beside the heap: blocks of one size, which go back to the system when logs let go of them. In the
/// heap, what thousands of streams have needed at one time would stay with the process, in pieces.
///
/// Some blocks stay for who comes next: the first touch of a page costs the system more than what is written to it.
///
/// Invariant: a slot holds a block that nobody uses, or nothing. Blocks come and go by one exchange, from any thread:
/// `@unchecked Sendable` is sound, as nothing else changes.
import Glibc
import Synchronization

final class SegmentMemory: @unchecked Sendable {
    /// Nil where sanitizers look on, to whom the heap is better known.
    #if DEBUG
        static let shared: SegmentMemory? = nil
    #else
        static let shared: SegmentMemory? = SegmentMemory(blockSize: Segment.blockSize)
    #endif

    private let blockSize: Int
    /// Addresses, or 0.
    private let slots: UnsafeMutablePointer<Atomic<UInt>>
    private let mostSpare: Int

    static let mostSpare = 64

    init(blockSize: Int, mostSpare: Int = SegmentMemory.mostSpare) {
        self.blockSize = blockSize
        self.mostSpare = mostSpare
        slots = .allocate(capacity: mostSpare)
        for slot in 0..<mostSpare { (slots + slot).initialize(to: Atomic(0)) }
    }

    deinit {
        for slot in 0..<mostSpare {
            UnsafeMutableRawPointer(bitPattern: slots[slot].load(ordering: .acquiring)).map(release)
        }
        slots.deinitialize(count: mostSpare)
        slots.deallocate()
    }

    /// Nil where the system has none.
    func take() -> UnsafeMutableRawPointer? {
        for slot in 0..<mostSpare where slots[slot].load(ordering: .relaxed) != 0 {
            let address = slots[slot].exchange(0, ordering: .acquiring)
            if let block = UnsafeMutableRawPointer(bitPattern: address) { return block }
        }
        let made = mmap(nil, blockSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return made == MAP_FAILED ? nil : made
    }

    func give(_ block: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: block)
        for slot in 0..<mostSpare where slots[slot].load(ordering: .relaxed) == 0 {
            let kept = slots[slot].compareExchange(expected: 0, desired: address, ordering: .releasing)
            if kept.exchanged { return }
        }
        release(block)
    }

    /// A hole in a mapping makes two of one, of which the system allows only so many: then the address is lost, not the
    /// memory.
    private func release(_ block: UnsafeMutableRawPointer) {
        if munmap(block, blockSize) != 0 { madvise(block, blockSize, MADV_DONTNEED) }
    }
}
