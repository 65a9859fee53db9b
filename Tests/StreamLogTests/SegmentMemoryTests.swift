import Glibc
import Testing

@testable import StreamLog

struct SegmentMemoryTests {
    @Test("a block that came back is given again, with what is in it, and no other")
    func spares() throws {
        let memory = SegmentMemory(blockSize: 8_192, mostSpare: 2)
        let blocks = try (0..<4).map { number in
            let block = try #require(memory.take())
            block.storeBytes(of: UInt8(number), as: UInt8.self)
            (block + 8_191).storeBytes(of: 1, as: UInt8.self)
            return block
        }
        #expect(Set(blocks).count == 4)
        for block in blocks[..<2] { memory.give(block) }
        let again = try (0..<3).map { _ in try #require(memory.take()) }
        #expect(Set(again[..<2]) == Set(blocks[..<2]))
        #expect(!blocks[..<2].contains(again[2]))
        for block in blocks[2...] + again[...] { memory.give(block) }
    }

    @Test("what there is no slot for goes back to the system")
    func isGivenBack() throws {
        let size = 8 << 20
        let memory = SegmentMemory(blockSize: size, mostSpare: 1)
        let blocks = try (0..<16).map { _ in
            let block = try #require(memory.take())
            memset(block, 1, size)
            return block
        }
        let before = try resident()
        for block in blocks { memory.give(block) }
        #expect(try before - resident() > 10 * size)
    }

    @Test("threads that take and give never have the same block at the same time")
    func isExclusive() async {
        let memory = SegmentMemory(blockSize: 4_096, mostSpare: 3)
        await withTaskGroup(of: Int.self) { group in
            for number in 1...4 {
                group.addTask {
                    var disturbed = 0
                    for _ in 0..<20_000 {
                        guard let block = memory.take() else { continue }
                        block.storeBytes(of: number, as: Int.self)
                        sched_yield()
                        if block.load(as: Int.self) != number { disturbed += 1 }
                        memory.give(block)
                    }
                    return disturbed
                }
            }
            for await disturbed in group { #expect(disturbed == 0) }
        }
    }

    private func resident() throws -> Int {
        let file = try #require(fopen("/proc/self/statm", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 200)
        _ = try #require(fgets(&line, 200, file))
        let fields = String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return try #require(Int(fields[1])) * sysconf(Int32(_SC_PAGESIZE))
    }
}
