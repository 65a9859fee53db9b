/// The passphrases of SRT streams, read once from the files that the settings name.
import Configuration
import EventLoop
import SRT

struct Passphrases: Sendable {
    private var byFile: [String: String] = [:]

    init(_ settings: Settings) throws(StartError) {
        for (_, settings) in settings.everywhere where byFile[settings.srt.passphraseFile] == nil {
            let file = settings.srt.passphraseFile
            if !file.isEmpty { byFile[file] = try Passphrases.read(file) }
        }
    }

    func of(_ srt: Settings.SRT) -> String? { byFile[srt.passphraseFile] }

    /// The file's content; white space around it is an editor's.
    private static func read(_ file: String) throws(StartError) -> String {
        let key = "srt.passphrase_file"
        let bytes = try Node.secret(
            key, file, SRTOptions.passphraseLengths, noun: "an SRT passphrase", example: "openssl rand -hex 16")
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .secret(key: key, file: file, fault: "holds bytes that are no text; an SRT passphrase is text")
        }
        return text
    }
}
