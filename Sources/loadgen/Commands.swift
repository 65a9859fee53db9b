//! From the command line to a run and an exit code.

import CSystem
@preconcurrency import Glibc

/// The whole program; the exit code is what it returns.
func runLoadgen(_ arguments: [String]) -> Int32 {
    let options: Options
    do throws(Failure) {
        options = try Options(arguments)
    } catch {
        fputs("loadgen: \(error)\n", stderr)
        return 2
    }
    guard Options.modes.contains(options.mode) else {
        let asked = options.mode == "--help" || options.mode == "-h" || options.mode == "help"
        fputs(
            (asked ? "" : "loadgen: there is no mode \(options.mode)\n\n") + Options.help + "\n",
            asked ? stdout : stderr)
        return asked ? 0 : 2
    }
    _ = loadgen_raise_file_limit()
    loadgen_catch_signals()
    do throws(Failure) {
        return try perform(options) ? 0 : 1
    } catch {
        fputs("loadgen: \(error)\n", stderr)
        return 1
    }
}

/// Whether the run was a success.
private func perform(_ options: Options) throws(Failure) -> Bool {
    let report: Report
    let succeeded: Bool
    switch options.mode {
    case "floor":
        if options.transport == .srt { try SRTFloor(options).serve() } else { try Floor(options).serve() }
        return true
    case "copy":
        try Copy(options).serve()
        return true
    case "churn":
        let churn = try Churn(options)
        report = try churn.perform()
        succeeded = churn.succeeded
    case "hls":
        let run = try HLSRun(options)
        report = try run.perform()
        succeeded = run.succeeded
    default:
        let run = try Run(options)
        report = try run.perform()
        succeeded = run.succeeded
    }
    print(!options.json ? report.table : options.reportEvery == nil ? report.json : report.line)
    return succeeded
}
