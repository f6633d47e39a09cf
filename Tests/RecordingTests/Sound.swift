import COgg
import COpus
import Recording

/// SplitMix64: the same run from the same seed.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

let millisecond: Int64 = 1_000_000
let second: Int64 = 1_000_000_000

/// cos by its recurrence is not exact enough over minutes; one period's table is: `hertz` divides 8000.
func tone(_ hertz: Int, samples: Range<Int>, rate: Int = 8000) -> [Int16] {
    let period = rate / hertz
    return samples.map { place in
        // A parabola each half period: near enough to a sine to tell frequencies by.
        let phase = Double(place % period) / Double(period) * 2
        let half = phase < 1 ? phase : phase - 1
        return Int16(8000 * 4 * half * (1 - half) * (phase < 1 ? 1 : -1))
    }
}

/// Interleaved samples of one channel.
func channel(_ number: Int, of samples: [Int16]) -> [Int16] {
    stride(from: number, to: samples.count, by: 2).map { samples[$0] }
}

func power(of samples: [Int16]) -> Double {
    samples.isEmpty ? 0 : samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(samples.count)
}

/// What an Ogg Opus file decodes to, as far as its pages are whole.
struct Decoded {
    var samples: [Int16] = []
    var preSkip = 0
    /// The last page's granule position, and whether that page ends the stream.
    var granule: Int64 = 0
    var isEnded = false
    var pages = 0
    var tags: [UInt8] = []
    /// The longest time between two pages, in samples of 48 kHz.
    var longestPage: Int64 = 0
}

/// RFC 7845 §4: decodes at 48 kHz, leaves out the pre-skip, and cuts at the last granule position.
func decode(_ octets: [UInt8]) -> Decoded {
    var result = Decoded()
    var status: Int32 = 0
    guard let decoder = opus_decoder_create(48_000, 2, &status) else { return result }
    defer { opus_decoder_destroy(decoder) }
    var sync = ogg_sync_state()
    ogg_sync_init(&sync)
    defer { ogg_sync_clear(&sync) }
    guard let buffer = ogg_sync_buffer(&sync, octets.count) else { return result }
    for (place, octet) in octets.enumerated() { buffer[place] = CChar(bitPattern: octet) }
    ogg_sync_wrote(&sync, octets.count)
    var stream = ogg_stream_state()
    var page = ogg_page()
    var packet = ogg_packet()
    var pcm = [Int16](repeating: 0, count: 5760 * 2)
    while ogg_sync_pageout(&sync, &page) == 1 {
        if result.pages == 0 { ogg_stream_init(&stream, ogg_page_serialno(&page)) }
        result.pages += 1
        ogg_stream_pagein(&stream, &page)
        result.longestPage = max(result.longestPage, ogg_page_granulepos(&page) - result.granule)
        result.granule = ogg_page_granulepos(&page)
        result.isEnded = ogg_page_eos(&page) != 0
        while ogg_stream_packetout(&stream, &packet) == 1 {
            let body = [UInt8](UnsafeBufferPointer(start: packet.packet, count: packet.bytes))
            if body.starts(with: Array("OpusHead".utf8)) {
                result.preSkip = Int(body[10]) | Int(body[11]) << 8
            } else if body.starts(with: Array("OpusTags".utf8)) {
                result.tags = body
            } else {
                let count = opus_decode(decoder, body, Int32(body.count), &pcm, 5760, 0)
                if count > 0 { result.samples += pcm[0..<Int(count) * 2] }
            }
        }
    }
    if result.pages > 0 { ogg_stream_clear(&stream) }
    if result.granule * 2 < result.samples.count {
        result.samples.removeLast(result.samples.count - Int(result.granule) * 2)
    }
    result.samples.removeFirst(min(result.samples.count, result.preSkip * 2))
    return result
}
