/// Programs that behave, and programs that do not.
import EventLoop
import Glibc
import Testing

@Suite("A child program")
struct ChildProgramTests {
    private static func shell(
        _ script: String, patience: UInt64 = 20_000, mostOutput: Int = 1 << 20, mostMemory: Int = 1 << 30
    ) -> ChildProgram {
        ChildProgram(
            path: "/bin/sh", arguments: ["-c", script], patience: patience, mostOutput: mostOutput, mostErrors: 8,
            mostMemory: mostMemory)
    }

    @Test("gets its input, and its output and the beginning of its complaints are had")
    func speaks() {
        let input = [UInt8](repeating: 0x61, count: 300_000)
        let outcome = Self.shell("cat; echo complaints without end >&2").run(input)
        #expect(outcome == .ended(output: input, errors: Array("complain".utf8)))
    }

    @Test("may close its input early, or have none")
    func closesEarly() {
        let input = [UInt8](repeating: 0x61, count: 1 << 20)
        #expect(Self.shell("exec 0<&-; echo x").run(input) == .ended(output: Array("x\n".utf8), errors: []))
        #expect(Self.shell("cat; echo y").run([]) == .ended(output: Array("y\n".utf8), errors: []))
    }

    @Test("that hangs is killed with what it has started, and so is one that says too much")
    func isKilled() throws {
        // The second process has the pipe's end too: it is told about by its number before both hang.
        let outcome = Self.shell("sleep 1000 & echo $! >&2; wait", patience: 300).run([])
        #expect(outcome == .killedForTime)
        #expect(Self.shell("while :; do echo more; done", mostOutput: 1_000).run([]) == .killedForSize)
    }

    @Test("whose children live on in its group leaves none of them behind")
    func leavesNothing() throws {
        let outcome = Self.shell("sleep 1000 >/dev/null 2>&1 & echo $!").run([])
        guard case .ended(let output, _) = outcome else {
            Issue.record("it did not end: \(outcome)")
            return
        }
        let number = try #require(Int32(String(decoding: output.dropLast(), as: UTF8.self)))
        // Killed already, and taken away by whoever adopts orphans.
        while kill(number, 0) == 0, !isZombie(number) { sched_yield() }
    }

    private func isZombie(_ number: Int32) -> Bool {
        guard let status = EventLoop.Process.read("/proc/\(number)/stat", atMost: 512) else { return true }
        return String(decoding: status, as: UTF8.self).contains(") Z ")
    }

    @Test("can write no file, and takes no more memory than it may")
    func isLimited() {
        #expect(Self.shell("ulimit -f; ulimit -c").run([]) == .ended(output: Array("0\n0\n".utf8), errors: []))
        #expect(
            Self.shell("ulimit -v", mostMemory: 1 << 28).run([])
                == .ended(output: Array("262144\n".utf8), errors: []))
    }

    @Test("that is none says why, and none is found by that name")
    func isMissing() {
        let program = ChildProgram(
            path: "/nonexistent/program", arguments: [], patience: 1_000, mostOutput: 1, mostErrors: 1,
            mostMemory: 1 << 28)
        #expect(program.run([]) == .failed("No such file or directory"))
        #expect(ChildProgram.find("no-program-of-this-name") == nil)
        #expect(ChildProgram.find("/") == nil && ChildProgram.find("/etc/passwd") == nil)
        #expect(ChildProgram.find("sh")?.hasSuffix("/sh") == true)
        #expect(ChildProgram.find("/bin/sh") == "/bin/sh")
    }
}
