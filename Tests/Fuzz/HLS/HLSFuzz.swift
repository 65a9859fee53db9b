/// Fuzz entries of the HLS module: everything of a request that its client chose. Any input may be refused; none may trap,
/// and what is taken has one meaning and one spelling.
import HLS

/// The first byte is the length of a body, and whatever follows is each of the five texts in turn.
public func fuzzHLSRequest(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    var bytes: [UInt8] = []
    for index in 1..<data.count { bytes.append(data[index]) }
    let text = String(decoding: bytes, as: UTF8.self)
    checkName(text)
    checkQuery(text)
    checkWindow(text)
    checkToken(text)
    for length in [0, 1, Int(data[0]), .max] { checkRange(text, length: length) }
}

private func checkName(_ text: String) {
    guard let name = ResourceName(text) else { return }
    precondition(name.text == text && text.utf8.count <= ResourceName.longest)
    precondition(!text.utf8.contains(UInt8(ascii: "/")) && !text.utf8.contains(UInt8(ascii: "%")))
    precondition(text.utf8.first != UInt8(ascii: ".") && !name.contentType.isEmpty)
}

private func checkQuery(_ text: String) {
    do throws(PlaylistRequestError) {
        let request = try PlaylistRequest(query: text)
        precondition(text.utf8.count <= PlaylistRequest.longestQuery)
        for state in states {
            guard case .wait(let wait) = BlockingReload.decide(request, state) else { continue }
            precondition(!state.isEnded && !BlockingReload.isOver(wait, in: state))
        }
    } catch {
        precondition(!error.description.isEmpty)
    }
}

private let states: [PlaylistState] = [
    PlaylistState(isReady: false, isEnded: false, canBlockReload: true, target: 0),
    PlaylistState(
        isReady: true, isEnded: false, canBlockReload: true, target: 2, partTarget: 200_000, lastNumber: 7,
        lastPart: LivePosition(number: 8, part: 3)),
    PlaylistState(isReady: true, isEnded: false, canBlockReload: true, target: 10, lastNumber: .max),
    PlaylistState(isReady: true, isEnded: true, canBlockReload: true, target: 2, partTarget: 1, lastNumber: 7),
]

private func checkWindow(_ text: String) {
    do throws(WindowRequestError) {
        let request = try WindowRequest(query: text)
        let again = try WindowRequest(query: request.query)
        precondition(request == again)
        if let to = request.to { precondition(request.from! < to) }
        precondition((0..<100_000_000_000).contains(request.from ?? 0))
    } catch {
        precondition(!error.description.isEmpty && !error.reason.isEmpty)
    }
}

private func checkToken(_ text: String) {
    guard let token = ViewerToken(text) else { return }
    precondition(token.text == text && text.utf8.count == ViewerToken.length)
}

private func checkRange(_ text: String, length: Int) {
    switch ByteRange(header: text, length: length) {
    case .whole, .unsatisfiable: break
    case .part(let range): precondition(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= length)
    }
}
