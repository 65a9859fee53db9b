import ProxyProtocol

/// A header is read the same from all of its bytes as from the first that are enough, and never claims more than came.
func fuzzProxyHeader(_ data: Span<UInt8>) {
    guard let header = try? ProxyHeader.parse(data) else { return }
    precondition(header.size > 0 && header.size <= data.count && header.size <= ProxyHeader.limit)
    let again = try? ProxyHeader.parse(data.extracting(0..<header.size))
    precondition(again == header, "what follows a header changes it")
    for count in 0..<header.size {
        precondition(
            (try? ProxyHeader.parse(data.extracting(0..<count))) == .some(nil), "a cut header is an error, or whole")
    }
}
