/// How log lines are written: for people, or for a collector.
public enum LogFormat: String, Sendable, CaseIterable {
    case text, json
}
