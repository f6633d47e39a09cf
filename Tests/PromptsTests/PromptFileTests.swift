import Codecs
import Glibc
import Testing

@testable import Prompts

@Suite("WAV files of prompts")
struct PromptFileTests {
    private let samples = sine(440, rate: 8000, count: 320)

    private func fault(_ bytes: [UInt8]) -> PromptFault? {
        do throws(PromptFault) {
            _ = try PromptFile.read(bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [false, true])
    func `PCM of 16 bits at 8 kHz is encoded in both laws`(isExtensible: Bool) throws {
        let audio = try PromptFile.read(Wave(isExtensible: isExtensible, data: pcm(samples)).bytes)
        #expect(audio.alaw == samples.map { G711.encode($0, .a) })
        #expect(audio.mulaw == samples.map { G711.encode($0, .µ) })
        #expect(audio.milliseconds == 40)
    }

    @Test(arguments: [false, true])
    func `A-law and µ-law keep their octets`(isExtensible: Bool) throws {
        let octets = (0..<320).map { UInt8($0 & 0xFF) }
        let fromA = try PromptFile.read(Wave(tag: 6, bits: 8, isExtensible: isExtensible, data: octets).bytes)
        #expect(fromA.alaw == octets)
        let fromµ = try PromptFile.read(Wave(tag: 7, bits: 8, isExtensible: isExtensible, data: octets).bytes)
        // µ-law's second zero becomes the first.
        #expect(fromµ.mulaw == octets.map { $0 == 0x7F ? 0xFF : $0 })
        #expect(fromµ.alaw == octets.map { G711.encode(G711.decode($0, .µ), .a) })
    }

    @Test func `stereo is mixed down to the mean of both channels`() throws {
        let both: [Int16] = [1000, 3000, -32_768, -32_768, 32_767, 32_767, 32_767, -32_768]
        let audio = try PromptFile.read(Wave(channels: 2, data: pcm(both)).bytes)
        #expect(audio.alaw.prefix(4).elementsEqual([2000, -32_768, 32_767, 0].map { G711.encode($0, .a) }))
        let law = try PromptFile.read(Wave(tag: 6, channels: 2, bits: 8, data: [0xAA, 0xAA]).bytes)
        #expect(law.alaw.first == 0xAA)
    }

    @Test func `the last frame is filled with silence`() throws {
        let audio = try PromptFile.read(Wave(tag: 6, bits: 8, data: Array(repeating: 0xAA, count: 161)).bytes)
        #expect(audio.alaw.count == 320 && audio.mulaw.count == 320 && audio.milliseconds == 40)
        #expect(audio.alaw.suffix(159).allSatisfy { $0 == 0xD5 } && audio.mulaw.suffix(159).allSatisfy { $0 == 0xFF })
    }

    @Test func `other chunks are passed over, an odd one with its padding`() throws {
        var wave = Wave(data: pcm(samples))
        wave.between = wave.chunk("LIST", [1, 2, 3]) + wave.chunk("fact", little(320, 4))
        #expect(try PromptFile.read(wave.bytes).alaw == samples.map { G711.encode($0, .a) })
    }

    @Test func `a file's beginning and its length tell what is wrong with it`() throws {
        let whole = Wave(data: pcm(sine(440, rate: 8000, count: 8000))).bytes
        #expect(PromptFile.fault(head: Array(whole.prefix(100)), octets: whole.count) == nil)
        #expect(PromptFile.fault(head: whole, octets: whole.count) == nil)
        #expect(PromptFile.fault(head: Array(whole.prefix(100)), octets: 44) == .empty)
        let hour = 44 + PromptFile.longest * 16_000
        var long = Wave(data: []).bytes
        long.replaceSubrange(40..<44, with: little(0xFFFF_FFFF, 4))
        #expect(PromptFile.fault(head: long, octets: hour) == nil)
        #expect(PromptFile.fault(head: long, octets: hour + 2) == .tooLong(seconds: PromptFile.longest))
        for length in [0, 11, 12, 30, 43] {
            #expect(PromptFile.fault(head: Array(whole.prefix(length)), octets: whole.count) != nil, "\(length)")
        }
        var wave = Wave(data: pcm(samples))
        wave.between = wave.chunk("LIST", Array(repeating: 0, count: PromptFile.head))
        #expect(PromptFile.fault(head: Array(wave.bytes.prefix(PromptFile.head)), octets: wave.bytes.count) == .noSound)
        #expect(PromptFile.fault(head: wave.bytes, octets: wave.bytes.count) == nil)
    }

    @Test func `of a data chunk cut short what is there is read`() throws {
        let audio = try PromptFile.read(Array(Wave(data: pcm(samples)).bytes.dropLast(321)))
        #expect(audio.alaw.prefix(159).elementsEqual(samples.prefix(159).map { G711.encode($0, .a) }))
        #expect(audio.alaw.count == 160 && audio.alaw.last == 0xD5)
    }

    @Test(arguments: Resampler.rates)
    func `a tone of any rate comes out as the same tone at 8 kHz`(rate: Int) throws {
        let telephone = try Resampler.telephone(sine(1000, rate: rate, count: rate / 2), rate: rate)
        #expect(telephone.count == 4000)
        let expected = sine(1000, rate: 8000, count: 4000)
        let off = zip(telephone, expected).dropFirst(40).dropLast(40).map { abs(Int($0) - Int($1)) }
        #expect((off.max() ?? .max) < 20)
        let audio = try PromptFile.read(Wave(rate: rate, data: pcm(sine(1000, rate: rate, count: rate / 2))).bytes)
        #expect(audio.alaw == telephone.map { G711.encode($0, .a) } && audio.milliseconds == 500)
    }

    @Test(arguments: Resampler.rates.dropFirst())
    func `what the telephone cannot carry is gone, and not folded back`(rate: Int) throws {
        let telephone = try Resampler.telephone(sine(4500, rate: rate, count: rate / 2), rate: rate)
        #expect((telephone.dropFirst(256).dropLast(256).map { abs(Int($0)) }.max() ?? .max) < 20)
        let loud = try Resampler.telephone(
            Array(repeating: .max, count: 100) + Array(repeating: .min, count: 100),
            rate: rate
        )
        #expect(!loud.isEmpty)
    }

    /// A tone that fits the loop a whole number of times: any break where the end meets the beginning is a step.
    @Test(arguments: [
        (8000, 8000), (8000, 8031), (16_000, 16_101), (44_100, 44_100), (48_000, 47_999), (48_000, 5_000),
    ])
    func `a loop joins its own beginning without a click, whatever its length`(rate: Int, count: Int) throws {
        let waves = max(1, 1000 * count / rate)
        let tone = (0..<count)
            .map { Int16((10_000 * sin(2 * Double.pi * Double(waves * $0) / Double(count))).rounded()) }
        let loop = try Resampler.loop(tone, rate: rate)
        #expect(loop.count % PromptAudio.frame == 0)
        #expect(abs(loop.count - count * 8000 / rate) <= PromptAudio.frame)
        let expected = (0..<loop.count)
            .map { Int((10_000 * sin(2 * Double.pi * Double(waves * $0) / Double(loop.count))).rounded()) }
        #expect((zip(loop, expected).map { abs(Int($0) - $1) }.max() ?? .max) < 40)
        let audio = try PromptFile.read(Wave(rate: rate, data: pcm(tone)).bytes, isLoop: true)
        #expect(audio.alaw == loop.map { G711.encode($0, .a) })
    }

    @Test(arguments: Resampler.rates)
    func `music of a few samples is refused, and as a prompt it is heard`(rate: Int) throws {
        for count in 1...200 {
            let wave = Wave(rate: rate, data: pcm(sine(440, rate: rate, count: count))).bytes
            let short = PromptFault.tooShort(milliseconds: count * 1000 / rate)
            #expect(throws: short) { try PromptFile.read(wave, isLoop: true) }
            #expect(PromptFile.fault(head: wave, octets: wave.count, isLoop: true) == short)
            #expect(try PromptFile.read(wave).milliseconds == (count * 50 + rate - 1) / rate * 20)
        }
        for count in (rate + 9) / 10...rate / 10 + 200 {
            let audio = try Resampler.loop(sine(440, rate: rate, count: count), rate: rate)
            #expect(audio.count == (count * 50 + rate - 1) / rate * PromptAudio.frame)
        }
    }

    @Test(arguments: Resampler.rates, [400, 1800, PromptFile.longest])
    func `music of any length is brought to whole frames, off by a sample or two at most`(
        rate: Int,
        seconds: Int
    ) throws {
        for count in [seconds * rate - 1, seconds * rate - rate / 7] {
            let length = (count * 8000 / rate / PromptAudio.frame + 1) * PromptAudio.frame
            let ratio = Resampler.ratio(count, length)
            #expect(max(ratio.from, ratio.to) <= Resampler.largestTerm)
            #expect(abs(Double(length) - Double(count) * Double(ratio.to) / Double(ratio.from)) < 2)
            let tone = sine(440, rate: rate, count: rate / 2)
            let begun = try Resampler.process(tone, from: count, to: length, count: 80)
            #expect(begun.count == 80)
        }
    }

    @Test func `a fault says what is wrong with the file`() {
        let data = pcm(samples)
        #expect(fault([]) == .notWave)
        #expect(fault(Array("OggS".utf8) + data) == .notWave)
        #expect(fault(Array("RIFF0000WAVE".utf8)) == .noFormat)
        #expect(fault(Array(Wave(data: []).bytes.dropLast(8))) == .noSound)
        #expect(fault(Wave(data: []).bytes) == .empty)
        #expect(fault(Wave(channels: 2, data: [1, 2, 3]).bytes) == .empty)
        #expect(fault(Wave(tag: 3, bits: 32, data: data).bytes) == .encoding(tag: 3))
        #expect(fault(Wave(tag: 3, bits: 32, isExtensible: true, data: data).bytes) == .encoding(tag: 3))
        #expect(fault(Wave(bits: 24, data: data).bytes) == .bits(24, expected: 16))
        #expect(fault(Wave(channels: 6, data: data).bytes) == .channels(6))
        #expect(fault(Wave(channels: 0, data: data).bytes) == .channels(0))
        #expect(fault(Wave(rate: 32_000, data: data).bytes) == .rate(32_000, isCompanded: false))
        #expect(fault(Wave(rate: 0, data: data).bytes) == .rate(0, isCompanded: false))
        #expect(fault(Wave(tag: 7, rate: 16_000, bits: 8, data: data).bytes) == .rate(16_000, isCompanded: true))
    }

    @Test func `more than an hour is refused before it is decoded`() {
        let wave = Wave(tag: 6, bits: 8, data: Array(repeating: 0xD5, count: 3601 * 8000))
        #expect(fault(wave.bytes) == .tooLong(seconds: 3601))
    }

    @Test func `every fault tells how to mend it`() {
        let faults: [PromptFault] = [
            .notWave, .noFormat, .noSound, .empty, .encoding(tag: 0x55), .bits(8, expected: 16), .channels(6),
            .rate(96_000, isCompanded: false), .rate(16_000, isCompanded: true), .tooLong(seconds: 4000),
            .tooShort(milliseconds: 3),
        ]
        for fault in faults {
            #expect("\(fault)".contains { $0 == ";" }, "\(fault)")
        }
        #expect("\(PromptFault.encoding(tag: 0x55))".contains("MP3"))
    }
}
