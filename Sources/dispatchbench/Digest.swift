/// Decisions as one number: two builds that print the same have decided alike.
import Dispatch

struct Digest {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// FNV-1a, a word at a time.
    mutating func add(_ word: UInt64) { value = (value ^ word) &* 0x100_0000_01B3 }

    mutating func add(_ number: Int) { add(UInt64(bitPattern: Int64(number))) }

    mutating func add(_ decision: JoinDecision) {
        guard case .route(let route, let why) = decision else { return add(-1) }
        for parent in route.parents {
            for node in parent.path { add(node.position) }
            add(parent.isWarm ? -2 : -3)
            add(parent.shared)
        }
        add(why.cost.total.bitPattern)
        add(why.runnerUp.bitPattern)
        add(why.considered)
    }
}
