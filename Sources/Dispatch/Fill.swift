/// How full one thing is (a node's output, a link, …): its marks, and what is known of its use.
///
/// Whole units (kbit/s, sessions), so that what is added and taken away again leaves exactly nothing.
/// `planned` is what the dispatcher's own decisions put there; `excess` is what the last report showed beyond the
/// plan; `pending` was promised since that report and is not yet in the plan.
struct Fill: Sendable {
    let soft: Int
    let hard: Int
    private let perSoft: Double
    private let perSpan: Double
    var planned = 0
    var excess = 0
    var pending = 0

    /// A fill without limits.
    static let boundless = Fill(soft: .max / 4, hard: .max / 4)

    init(soft: Int, hard: Int) {
        self.soft = max(1, soft)
        self.hard = max(self.soft, hard)
        perSoft = 1 / Double(self.soft)
        perSpan = self.hard > self.soft ? 1 / Double(self.hard - self.soft) : 0
    }

    init(_ mark: Mark, scale: Double) {
        self.init(soft: Int(mark.soft * scale), hard: Int(mark.hard * scale))
    }

    var load: Int { planned + excess + pending }

    /// 0 when idle, 1 at the soft mark, 2 at the hard mark.
    @inline(__always)
    func position(adding extra: Int = 0) -> Double {
        let total = load + extra
        guard total > soft else { return Double(total) * perSoft }
        return perSpan == 0 ? 2 : 1 + Double(total - soft) * perSpan
    }

    @inline(__always)
    func fits(_ extra: Int) -> Bool { load + extra <= hard }

    /// Whether there is room for `extra` with `share` of the hard mark kept back.
    @inline(__always)
    func fits(_ extra: Int, keeping share: Double) -> Bool {
        Double(load + extra) <= Double(hard) * (1 - share)
    }

    /// Takes in a measured total: what it shows beyond the plan counts until the next one.
    mutating func measured(_ total: Int) {
        excess = max(0, total - planned)
        pending = 0
    }
}
