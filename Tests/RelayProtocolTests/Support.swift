import Testing

@testable import RelayProtocol
