import Recording
import Testing

@Suite("Files of recordings")
struct WriterTests {
    private func stereo(seconds: Int) -> [Int16] {
        zip(tone(400, samples: 0..<seconds * 8000), tone(800, samples: 0..<seconds * 8000)).flatMap { [$0, $1] }
    }

    @Test func `A WAV header gives the sizes of what follows`() {
        let header = WAVWriter.header(dataOctets: 64_003)
        #expect(header.count == WAVWriter.headerLength)
        #expect(Array(header[0..<8]) == Array("RIFF".utf8) + [0x24, 0xFA, 0, 0])
        #expect(Array(header[40..<44]) == [0, 0xFA, 0, 0])
        #expect(Array(header[20..<36]) == [1, 0, 2, 0, 0x40, 0x1F, 0, 0, 0, 0x7D, 0, 0, 4, 0, 16, 0])
        #expect(WAVWriter.isOwn(header) && !WAVWriter.isOwn(Array("OggS".utf8)))
        #expect(Array(WAVWriter.header(dataOctets: .max)[40..<44]) == [0xD0, 0xFF, 0xFF, 0xFF])
        #expect(WAVWriter.header(dataOctets: .min) == WAVWriter.header(dataOctets: 0))
    }

    @Test func `WAV samples are little-endian, left before right`() {
        let writer = WAVWriter()
        var octets = writer.begin()
        writer.append([0x0102, -2], to: &octets)
        writer.finish(to: &octets)
        #expect(Array(octets[44...]) == [0x02, 0x01, 0xFE, 0xFF])
        #expect(writer.header(ofFileWith: 48) == WAVWriter.header(dataOctets: 4))
    }

    @Test func `Opus keeps the length to the sample and the voices on their sides`() throws {
        let writer = try #require(OggOpusWriter(serial: 5))
        var octets = writer.begin()
        let input = stereo(seconds: 4) + stereo(seconds: 1)[0..<2000]
        for start in stride(from: 0, to: input.count, by: 1600) {
            writer.append(Array(input[start..<min(start + 1600, input.count)]), to: &octets)
        }
        writer.finish(to: &octets)
        let decoded = decode(octets)
        #expect(decoded.isEnded && decoded.samples.count / 2 == (32_000 + 1000) * 6)
        #expect(decoded.granule == Int64(decoded.preSkip + 33_000 * 6))
        #expect(decoded.preSkip > 0 && decoded.tags.starts(with: Array("OpusTags".utf8)))
        #expect(decoded.longestPage <= 48_000)
        let (left, right) = (channel(0, of: decoded.samples), channel(1, of: decoded.samples))
        #expect(goertzel(left, 400, 48_000) > 20 * goertzel(left, 800, 48_000))
        #expect(goertzel(right, 800, 48_000) > 20 * goertzel(right, 400, 48_000))
        // 32 kbit/s, headers and pages besides.
        #expect(octets.count < 4 * 4000 * 5 / 4)
    }

    @Test(arguments: [0, 2, 3, 5, 7])
    func `Of two tones in Opus none is heard on the other's side, however they stand to each other`(eighths: Int) throws
    {
        let writer = try #require(OggOpusWriter(serial: 5))
        var octets = writer.begin()
        let (left, right) = (tone(500, samples: 0..<40_000), tone(800, samples: eighths..<40_000 + eighths))
        writer.append(zip(left, right).flatMap { [$0, $1] }, to: &octets)
        writer.finish(to: &octets)
        let samples = decode(octets).samples
        // Whole periods of both; the first half second is the encoder's to find its way.
        let (heard, there) = (channel(0, of: samples)[24_000..<216_000], channel(1, of: samples)[24_000..<216_000])
        let apart = 1_000.0
        #expect(goertzel(Array(heard), 500, 48_000) > apart * goertzel(Array(heard), 800, 48_000))
        #expect(goertzel(Array(there), 800, 48_000) > apart * goertzel(Array(there), 500, 48_000))
    }

    @Test func `Opus cut off anywhere plays to less than a second before`() throws {
        let writer = try #require(OggOpusWriter(serial: 5))
        var octets = writer.begin()
        for start in stride(from: 0, to: 5 * 16_000, by: 1600) {
            writer.append(Array(stereo(seconds: 1)[start % 16_000..<start % 16_000 + 1600]), to: &octets)
            let decoded = decode(octets)
            let seconds = Double(decoded.samples.count) / 96_000
            #expect(seconds > Double(start + 1600) / 16_000 - 1)
            #expect(decode(Array(octets.dropLast(100))).samples.count >= decoded.samples.count - 48_000)
        }
    }

    @Test(arguments: [0, 1, 159, 160, 161, 319])
    func `Opus of a few samples has that many`(count: Int) throws {
        let writer = try #require(OggOpusWriter(serial: 1))
        var octets = writer.begin()
        writer.append([Int16](repeating: 9, count: count * 2), to: &octets)
        writer.finish(to: &octets)
        let decoded = decode(octets)
        #expect(decoded.isEnded && decoded.samples.count == count * 12)
    }

    /// The power at one frequency; the rate of the samples is whole periods of it.
    private func goertzel(_ samples: [Int16], _ hertz: Int, _ rate: Int) -> Double {
        // Correlation with the tone and with the tone a quarter period later.
        let period = rate / hertz
        let table = tone(hertz, samples: 0..<period, rate: rate)
        var (sine, cosine) = (0.0, 0.0)
        for (place, sample) in samples.enumerated() {
            sine += Double(sample) * Double(table[place % period])
            cosine += Double(sample) * Double(table[(place + period / 4) % period])
        }
        return sine * sine + cosine * cosine
    }
}
