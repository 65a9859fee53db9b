/// The page at `GET /`.
public enum WebPage {
    public static let html: [UInt8] = Array("<!doctype html><title>Sluice</title>".utf8)
}
