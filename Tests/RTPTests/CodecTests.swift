import Codecs
import Testing

@Suite("ITU-T G.711")
struct CodecTests {
    @Test(arguments: G711.Law.allCases)
    func `every octet comes back from its sample, but for µ-law's second zero`(law: G711.Law) {
        for octet in UInt8.min...UInt8.max {
            let again = G711.encode(G711.decode(octet, law), law)
            let isNegativeZero = law == .µ && octet == 0x7F
            #expect(again == (isNegativeZero ? 0xFF : octet))
        }
    }

    @Test func `silence, and the ends of the range`() {
        #expect(G711.encode(0, .a) == 0xD5 && G711.encode(0, .µ) == 0xFF)
        #expect(G711.encode(.max, .a) == 0xAA && G711.encode(.min, .a) == 0x2A)
        #expect(G711.encode(.max, .µ) == 0x80 && G711.encode(.min, .µ) == 0x00)
        #expect(G711.decode(0x80, .µ) == 32_124 && G711.decode(0xAA, .a) == 32_256)
    }

    @Test(arguments: G711.Law.allCases)
    func `no sample comes back further off than half a step of its segment`(law: G711.Law) {
        for sample in Int16.min...Int16.max {
            let off = abs(Int(G711.decode(G711.encode(sample, law), law)) - Int(sample))
            // The last segment's step is 1024 (tables 1 and 2); µ-law stops at 32124, 644 below the end of 16 bits.
            #expect(off <= max(abs(Int(sample)) / 32 + 8, abs(Int(sample)) > 31_608 ? 644 : 0))
        }
    }

    @Test(.enabled(if: ThirdParty.isPresent, "../shared/conformance is not here"))
    func `the third-party tables`() throws {
        let vectors = try ThirdParty.json("vectors/g711.json")
        for (name, law) in [("alaw_decode", G711.Law.a), ("ulaw_decode", .µ)] {
            let table = try #require(vectors[name] as? [Int])
            #expect(table == (0..<256).map { Int(G711.decode(UInt8($0), law)) }, "\(name)")
        }
    }
}
