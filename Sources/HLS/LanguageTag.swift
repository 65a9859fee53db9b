/// Names of languages as playlists have them (RFC 5646), out of what publishers say. Transport streams say three letters
/// of ISO 639-2, where a tag has two wherever there are two (RFC 5646 §2.2.1): players compare tags with the viewer's own.
public enum LanguageTag {
    /// The tag for what a publisher called a language: what is a tag already, or has no shorter form, stays. Empty for
    /// "undetermined" and "no linguistic content", which are no languages to choose.
    public static func shortest(_ language: String) -> String {
        let letters = language.utf8
        guard letters.count == 3, letters.allSatisfy({ $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a }) else {
            return language
        }
        let code = String(decoding: letters.map { $0 | 0x20 }, as: UTF8.self)
        return nameless.contains(code) ? "" : short[code] ?? code
    }

    private static let nameless: Set<String> = ["und", "zxx", "mis", "mul"]

    /// Of ISO 639-2, in both of its forms, to ISO 639-1: the languages that broadcasts are in.
    private static let short: [String: String] = [
        "afr": "af", "amh": "am", "ara": "ar", "aze": "az", "bel": "be", "bul": "bg", "ben": "bn", "bos": "bs",
        "cat": "ca", "ces": "cs", "cze": "cs", "cym": "cy", "wel": "cy", "dan": "da", "deu": "de", "ger": "de",
        "ell": "el", "gre": "el", "eng": "en", "epo": "eo", "spa": "es", "est": "et", "eus": "eu", "baq": "eu",
        "fas": "fa", "per": "fa", "fin": "fi", "fra": "fr", "fre": "fr", "gle": "ga", "glg": "gl", "guj": "gu",
        "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "hye": "hy", "arm": "hy", "ind": "id", "isl": "is",
        "ice": "is", "ita": "it", "jpn": "ja", "kat": "ka", "geo": "ka", "kaz": "kk", "khm": "km", "kan": "kn",
        "kor": "ko", "lao": "lo", "lit": "lt", "lav": "lv", "mkd": "mk", "mac": "mk", "mal": "ml", "mon": "mn",
        "mar": "mr", "msa": "ms", "may": "ms", "mlt": "mt", "mya": "my", "bur": "my", "nob": "nb", "nep": "ne",
        "nld": "nl", "dut": "nl", "nno": "nn", "nor": "no", "pan": "pa", "pol": "pl", "por": "pt", "ron": "ro",
        "rum": "ro", "rus": "ru", "sin": "si", "slk": "sk", "slo": "sk", "slv": "sl", "sqi": "sq", "alb": "sq",
        "srp": "sr", "swe": "sv", "swa": "sw", "tam": "ta", "tel": "te", "tha": "th", "tgl": "tl", "tur": "tr",
        "ukr": "uk", "urd": "ur", "uzb": "uz", "vie": "vi", "zho": "zh", "chi": "zh",
    ]
}
