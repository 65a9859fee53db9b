/// A response's body whose end is not known: a cursor in a log.
///
/// It is asked when the client's windows and the socket have room, so nothing waits for a slow client: who falls behind
/// finds itself further back in its log at the next question, and may skip.
public protocol LiveBody: AnyObject {
    /// Adds the bytes that come next to `ranges`, at most `limit` of them, and says whether they were the last. If it
    /// adds none it is not asked again until `HTTP2Connection.resume`.
    ///
    /// It must not call the connection.
    func next(upTo limit: Int, into ranges: inout [BodyRange]) -> Bool
}
