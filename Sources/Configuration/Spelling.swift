/// "Did you mean …": the known name that a mistyped one was probably meant to be.
package enum Spelling {
    /// Names longer than this are no slip of the finger, and are not compared.
    private static let longest = 64

    /// The nearest of `names`, when so few letters differ that it is a fair guess.
    package static func nearest(to name: String, in names: [String]) -> String? {
        let typed = folded(name)
        guard !typed.isEmpty, typed.count <= longest else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in names {
            let distance = distance(typed, folded(candidate))
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, typed.count / 4) else { return nil }
        return best.name
    }

    /// Lower case, with `-` as `_`: a habit from another program is not a different word.
    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "-"): UInt8(ascii: "_")
            default: byte
            }
        }
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that make `b` of `a`.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
