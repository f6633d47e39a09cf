import Testing

@testable import ControlAPI

@Suite("Ranges of files over HTTP")
struct ByteRangeTests {
    @Test(arguments: [
        ("bytes=0-499", ByteRange.part(0...499)), ("bytes=500-999", .part(500...999)), ("bytes=-500", .part(500...999)),
        ("bytes=900-", .part(900...999)), ("bytes=0-0", .part(0...0)), ("bytes=-1", .part(999...999)),
        ("Bytes=5-7", .part(5...7)), ("bytes=990-5000", .part(990...999)), ("bytes=-5000", .part(0...999)),
        ("bytes=0-99999999999999999999999", .part(0...999)),
    ])
    func `a part is what of it is there`(field: String, range: ByteRange) {
        #expect(ByteRange(field, of: 1_000) == range)
    }

    @Test(arguments: [
        "bytes=0-1,5-6", "bytes=7-5", "bytes=-", "bytes=", "bytes", "bytes=a-b", "bytes=1-2-3", "lines=1-2", "",
        "bytes= 1-2", "bytes=+1-2", "bytes=١-٢",
    ])
    func `what cannot be read, and several parts, is the whole`(field: String) {
        #expect(ByteRange(field, of: 1_000) == .whole)
    }

    @Test(arguments: ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=99999999999999999999999-"])
    func `what begins behind the end is not there`(field: String) {
        #expect(ByteRange(field, of: 1_000) == .unsatisfiable)
    }

    @Test func `of nothing there is no part`() {
        #expect(ByteRange(nil, of: 0) == .whole)
        #expect(ByteRange("bytes=0-", of: 0) == .unsatisfiable && ByteRange("bytes=-5", of: 0) == .unsatisfiable)
    }
}
