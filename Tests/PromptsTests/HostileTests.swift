import Prompts
import Testing

@Suite("Hostile WAV files")
struct HostileTests {
    private func reads(_ bytes: [UInt8]) {
        do throws(PromptFault) {
            let audio = try PromptFile.read(bytes)
            #expect(audio.alaw.count == audio.mulaw.count && audio.alaw.count == audio.milliseconds * 8)
            #expect(audio.alaw.count % PromptAudio.frame == 0 && !audio.alaw.isEmpty)
        } catch {
            #expect(!error.description.isEmpty)
        }
    }

    private var waves: [Wave] {
        [
            Wave(channels: 2, rate: 16_000, isExtensible: true, data: pcm(sine(440, rate: 16_000, count: 100))),
            Wave(tag: 6, bits: 8, data: Array(0...100)),
        ]
    }

    @Test func `every prefix of a file is read or refused`() {
        for wave in waves {
            for count in 0...wave.bytes.count { reads(Array(wave.bytes.prefix(count))) }
        }
    }

    @Test func `every octet of the head may be any other`() {
        for wave in waves {
            let bytes = wave.bytes
            for position in 0..<(bytes.count - wave.data.count) {
                for octet: UInt8 in [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF] {
                    var changed = bytes
                    changed[position] = octet
                    reads(changed)
                }
            }
        }
    }

    @Test func `sizes of chunks that reach beyond the file`() {
        for size in [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF] {
            for name in ["LIST", "fmt ", "data"] {
                var wave = Wave(data: [1, 2, 3, 4])
                wave.between = name.utf8 + little(size, 4)
                reads(wave.bytes)
            }
        }
    }

    @Test func `random octets, alone and behind a good head`() {
        var dice = Dice(state: 1)
        for _ in 0..<2000 {
            let noise = (0..<Int.random(in: 0...200, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            reads(noise)
            reads(Array("RIFF0000WAVE".utf8) + noise)
            reads(Array("RIFF0000WAVEfmt ".utf8) + little(noise.count / 2, 4) + noise)
            reads(Wave(tag: 7, bits: 8, between: noise, data: noise).bytes)
        }
    }
}
