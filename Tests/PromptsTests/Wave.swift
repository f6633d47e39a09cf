import Foundation

/// WAV files of a test, octet by octet.
struct Wave {
    var tag = 1
    var channels = 1
    var rate = 8000
    var bits = 16
    var isExtensible = false
    /// Chunks between the format and the data.
    var between: [UInt8] = []
    var data: [UInt8] = []

    var bytes: [UInt8] {
        var format = little(isExtensible ? 0xFFFE : tag, 2) + little(channels, 2) + little(rate, 4)
        format += little(rate * channels * bits / 8, 4) + little(channels * bits / 8, 2) + little(bits, 2)
        if isExtensible {
            format += little(22, 2) + little(bits, 2) + little(0, 4) + little(tag, 2)
            format += [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]
        }
        let body = Array("WAVE".utf8) + chunk("fmt ", format) + between + chunk("data", data)
        return chunk("RIFF", body)
    }

    /// A chunk with its padding.
    func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
        name.utf8 + little(body.count, 4) + body + (body.count % 2 == 0 ? [] : [0])
    }
}

func little(_ value: Int, _ octets: Int) -> [UInt8] {
    (0..<octets).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

func pcm(_ samples: [Int16]) -> [UInt8] { samples.flatMap { little(Int($0), 2) } }

/// A sine of `frequency` Hz, `count` samples at `rate`.
func sine(_ frequency: Double, rate: Int, count: Int, amplitude: Double = 10_000) -> [Int16] {
    (0..<count).map { Int16(amplitude * sin(2 * Double.pi * frequency * Double($0) / Double(rate))) }
}

/// The same dice in every run.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
