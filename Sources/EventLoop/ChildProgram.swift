/// Another program, run once: bytes in, bytes out, and an end for certain.
///
/// It blocks the thread that runs it, which therefore must be none of a loop: `Thread.detached` is for that. When `run`
/// returns the program is gone, whatever it was doing; when the process ends while it runs, it is killed.
import CSystem
import Glibc

public struct ChildProgram: Sendable {
    /// The whole path.
    public var path: String
    public var arguments: [String]
    /// Milliseconds after which it is killed.
    public var patience: UInt64
    /// Bytes of its standard output; more, and it is killed. Of its standard error more are read and dropped.
    public var mostOutput: Int
    public var mostErrors: Int
    /// Bytes of memory that it may take.
    public var mostMemory: Int

    public enum Outcome: Sendable, Equatable {
        case ended(output: [UInt8], errors: [UInt8])
        case killedForTime
        case killedForSize
        /// It could not be started; the system's reason.
        case failed(String)
    }

    public init(
        path: String, arguments: [String], patience: UInt64, mostOutput: Int, mostErrors: Int, mostMemory: Int
    ) {
        self.path = path
        self.arguments = arguments
        self.patience = patience
        self.mostOutput = mostOutput
        self.mostErrors = mostErrors
        self.mostMemory = mostMemory
    }

    /// Where that program is: a path stands for itself, a name is looked for in the folders of `PATH`. Nil if there is
    /// none that can be run.
    public static func find(_ name: String) -> String? {
        if name.utf8.contains(UInt8(ascii: "/")) { return isProgram(name) ? name : nil }
        guard let value = getenv("PATH") else { return nil }
        return String(cString: value).split(separator: ":").map { String($0) + "/" + name }.first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var found = stat()
        return stat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// Runs it with `input` on its standard input. Blocks.
    public func run(_ input: [UInt8]) -> Outcome {
        // It may close its input before it has read it.
        cs_ignore_sigpipe()
        var child = cs_child(pid: 0, input: -1, output: -1, errors: -1)
        let started = withVector([path] + arguments) { arguments in
            withVector(ChildProgram.environment) { environment in
                cs_start_child(path, arguments, environment, UInt64(mostMemory), &child)
            }
        }
        guard started > 0 else { return .failed(String(cString: strerror(-started))) }
        var dialogue = Dialogue(child: child, program: self)
        let outcome = dialogue.run(input)
        _ = cs_end_child(&child)
        dialogue.close()
        return outcome
    }

    /// What a program may need to find its libraries and its words, and nothing that is ours alone.
    private static var environment: [String] {
        let names: [String] = ["PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR"]
        return names.compactMap { (name: String) -> String? in
            guard let value = getenv(name) else { return nil }
            return name + "=" + String(cString: value)
        }
    }

    /// As C wants lists of strings: pointers, with a null at the end.
    private func withVector<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
}

/// What is said to a program, and what it says, until it has closed both its outputs or its time is over.
private struct Dialogue {
    var child: cs_child
    let program: ChildProgram
    private var output: [UInt8] = []
    private var errors: [UInt8] = []
    private var sent = 0

    /// Bytes read at once.
    private static let portion = 64 << 10

    init(child: cs_child, program: ChildProgram) {
        self.child = child
        self.program = program
    }

    mutating func run(_ input: [UInt8]) -> ChildProgram.Outcome {
        let deadline = Clock.monotonicNanoseconds / 1_000_000 + program.patience
        if input.isEmpty { close(\.input) }
        while child.output >= 0 || child.errors >= 0 {
            let now = Clock.monotonicNanoseconds / 1_000_000
            guard now < deadline else { return .killedForTime }
            let ready = cs_wait_for_child(&child, Int32(clamping: deadline - now))
            if ready < 0 { return .failed(String(cString: strerror(-ready))) }
            if ready & 1 != 0 { send(input) }
            if ready & 2 != 0 { read(\.output, into: \.output, most: program.mostOutput + 1) }
            if ready & 4 != 0 { read(\.errors, into: \.errors, most: program.mostErrors) }
            if output.count > program.mostOutput { return .killedForSize }
        }
        return .ended(output: output, errors: errors)
    }

    /// It may close its input early, when it has what it needs.
    private mutating func send(_ input: [UInt8]) {
        let written = input.withUnsafeBytes { cs_write_pipe(child.input, $0.baseAddress! + sent, $0.count - sent) }
        if written == -Int(EAGAIN) || written == -Int(EINTR) { return }
        sent += max(0, written)
        if written <= 0 || sent == input.count { close(\.input) }
    }

    private mutating func read(
        _ end: WritableKeyPath<cs_child, Int32>, into kept: WritableKeyPath<Dialogue, [UInt8]>, most: Int
    ) {
        let descriptor = child[keyPath: end]
        let portion = withUnsafeTemporaryAllocation(byteCount: Dialogue.portion, alignment: 1) { buffer -> [UInt8]? in
            let count = cs_read_pipe(descriptor, buffer.baseAddress, buffer.count)
            if count == -Int(EAGAIN) || count == -Int(EINTR) { return [] }
            return count > 0 ? Array(buffer[..<count]) : nil
        }
        guard let portion else { return close(end) }
        self[keyPath: kept] += portion.prefix(max(0, most - self[keyPath: kept].count))
    }

    private mutating func close(_ end: WritableKeyPath<cs_child, Int32>) {
        if child[keyPath: end] >= 0 { cs_close(child[keyPath: end]) }
        child[keyPath: end] = -1
    }

    mutating func close() {
        close(\.input)
        close(\.output)
        close(\.errors)
    }
}
