/// One direction between two IDCs as the dispatcher sees it now.
struct LinkState: Sendable {
    let exists: Bool
    /// Cut, by an operator's word or because nothing comes through.
    var isCut = false
    var rtt: Double
    var loss: Double
    /// Round trip and loss as one figure, weighted.
    var quality: Double
    /// The price of steady traffic, weighted.
    let price: Double
    var fill: Fill
    /// Loses too much to be used.
    var isLossy = false

    static let none = LinkState(exists: false, rtt: .infinity, quality: .infinity, price: .infinity, fill: .boundless)

    /// Milliseconds between two nodes of an IDC.
    static let insideRTT = 0.5

    static func inside(_ weights: CostWeights) -> LinkState {
        let quality = weights.quality(rtt: insideRTT, loss: 0)
        return LinkState(exists: true, rtt: insideRTT, quality: quality, price: 0, fill: .boundless)
    }

    init(_ link: Topology.LinkQuality, _ settings: DispatchSettings) {
        self.init(
            exists: true, rtt: link.rtt, quality: settings.weights.quality(rtt: link.rtt, loss: link.loss),
            price: settings.weights.price(link.price), fill: Fill(link.capacity, scale: kilobitsPerMegabit))
        loss = link.loss
        isLossy = loss >= settings.lossOut
    }

    private init(exists: Bool, rtt: Double, quality: Double, price: Double, fill: Fill) {
        self.exists = exists
        self.rtt = rtt
        loss = 0
        self.quality = quality
        self.price = price
        self.fill = fill
    }

    var isUsable: Bool { exists && !isCut && !isLossy }

    /// Lossy is better than nothing.
    var isLastResort: Bool { exists && !isCut }

    /// What a path pays for this link as things stand: infinite when it is out.
    var weight: Double {
        isUsable ? quality + price + fillPenalty(fill.position()) : .infinity
    }

    /// Moves what is believed towards what was seen; a loss that kills the link counts at once.
    mutating func measured(rtt seenRTT: Double, loss seenLoss: Double, _ settings: DispatchSettings) {
        let weight = settings.measurementWeight
        rtt += (seenRTT - rtt) * weight
        loss = seenLoss >= settings.lossOut ? seenLoss : loss + (seenLoss - loss) * weight
        isLossy = loss >= settings.lossOut
        quality = settings.weights.quality(rtt: rtt, loss: loss)
    }
}
