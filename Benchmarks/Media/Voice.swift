import Codecs
import Glibc

/// A second and a half of what sounds to a codec like speech, in A-law: a buzz with formants that comes and goes in syllables.
let voice: [UInt8] = (0..<12_000)
    .map { place in
        let time = Double(place) / 8_000
        let syllable = max(0, sin(2 * .pi * 3.3 * time)) * (place < 9_600 ? 1 : 0)
        let pitch = 110 + 15 * sin(2 * .pi * 0.7 * time)
        let buzz = (1...24)
            .reduce(0.0) { sum, harmonic in
                let hertz = pitch * Double(harmonic)
                let formants = exp(-pow((hertz - 600) / 300, 2)) + 0.5 * exp(-pow((hertz - 1_700) / 400, 2)) + 0.05
                return sum + formants * sin(2 * .pi * hertz * time)
            }
        return G711.encode(Int16(clamping: Int(4_000 * syllable * buzz)), .a)
    }

/// 20 ms of it.
func frame(_ number: Int) -> ArraySlice<UInt8> {
    let start = number * 160 % voice.count
    return voice[start..<start + 160]
}
