import Hashes
import Testing

@Suite("RFC 1321, FIPS 180-4 and RFC 4231: hashes")
struct HashesTests {
    @Test(
        "RFC 1321 §A.5 MD5 test suite",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a"
            ),
        ]
    )
    func md5Vectors(text: String, expected: String) { #expect(hex(md5(Array(text.utf8))) == expected) }

    @Test func `FIPS 180-4 SHA-256 of abc and of nothing`() {
        #expect(
            hex(sha256(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(hex(sha256([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func `SHA-256 of pieces is that of the whole`() throws {
        let octets = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        let stream = try #require(SHA256Stream())
        for piece in [0..<0, 0..<1, 1..<64, 64..<999, 999..<1000] {
            octets[piece].withUnsafeBytes { stream.update($0) }
        }
        #expect(stream.finish() == sha256(octets))
        #expect(stream.finish() == nil)
    }

    @Test func `FIPS 180-4 SHA-512 slash 256 of abc is not SHA-512 cut short`() {
        #expect(
            hex(sha512_256(Array("abc".utf8))) == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        )
    }

    @Test(
        "RFC 4231 §4 HMAC-SHA-256",
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ]
    )
    func hmacVectors(key: [UInt8], message: [UInt8], expected: String) {
        #expect(hex(hmacSHA256(key: key, message)) == expected)
    }

    @Test func `equality looks at every octet and at the length`() {
        #expect(constantTimeEquals([], []))
        #expect(constantTimeEquals([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEquals([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEquals([1, 2, 3], [0, 2, 3]))
        #expect(!constantTimeEquals([1, 2], [1, 2, 3]))
    }

    @Test func `hexadecimal is lower-case and keeps leading zeros`() { #expect(hex([0x00, 0x0A, 0xFF]) == "000aff") }
}
