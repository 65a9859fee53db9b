//! CPU time and memory of a process, from /proc.

@preconcurrency import Glibc

struct ProcessSample {
    /// User and system time since the process started, in seconds.
    let cpu: Double
    let residentKB: Int
    /// Proportional set size; nil where /proc does not tell.
    let proportionalKB: Int?

    init(pid: Int32) throws(Failure) {
        guard let stat = ProcessSample.read("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else {
            throw Failure("process \(pid) is gone, or was never there")
        }
        // Behind the name in parentheses: state is field 3, utime 14, stime 15 (proc(5)).
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
            throw Failure("/proc/\(pid)/stat reads unlike proc(5)")
        }
        cpu = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        let status = ProcessSample.read("/proc/\(pid)/status") ?? ""
        residentKB = ProcessSample.field("VmRSS:", status) ?? 0
        proportionalKB = ProcessSample.read("/proc/\(pid)/smaps_rollup").flatMap { ProcessSample.field("Pss:", $0) }
    }

    /// CPU time of this process itself.
    static func own() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let micro = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + micro / 1e6
    }

    /// CPU time that the whole machine has used so far, all processors together, in seconds.
    static func machine() -> Double {
        let fields = (read("/proc/stat") ?? "").prefix { $0 != "\n" }.split(separator: " ").dropFirst().map {
            Double($0) ?? 0
        }
        guard fields.count > 7 else { return 0 }
        // user, nice, system, (idle, waiting,) interrupts, soft interrupts, stolen (proc(5)).
        let used = fields[0] + fields[1] + fields[2] + fields[5] + fields[6] + fields[7]
        return used / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func field(_ name: String, _ text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
