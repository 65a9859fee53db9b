//! A URL and the address behind it, resolved once.

struct Site {
    let target: Target
    let address: Address

    init(_ url: String) throws(Failure) {
        target = try Target(url)
        address = try Address(host: target.host, port: target.port)
    }

    /// All of them; at least one.
    static func all(_ urls: [String]) throws(Failure) -> [Site] {
        guard !urls.isEmpty else { throw Failure("no --url is given; see loadgen --help") }
        var sites: [Site] = []
        for url in urls { sites.append(try Site(url)) }
        return sites
    }

    /// Where viewer `index` sits: viewers take the sites in turn, and at each of them the streams in turn.
    static func seat(_ index: Int, sites: Int, streams: Int) -> (site: Int, stream: Int) {
        (index % sites, index / sites % streams)
    }
}
