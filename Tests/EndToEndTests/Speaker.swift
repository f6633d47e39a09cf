import Codecs
import Foundation

/// Speaks tones as G.711 A-law in real time: sound has a length.
enum Speaker {
    static func speak(_ voices: [(peer: WirePeer, port: UInt16, hertz: Double)], seconds: Double) {
        let clock = ContinuousClock()
        let begin = clock.now
        for frame in 0..<Int(seconds * 50) {
            for (index, voice) in voices.enumerated() {
                let samples = (0..<160).map { place in
                    G711.encode(Int16(8_000 * sin(2 * .pi * voice.hertz * Double(frame * 160 + place) / 8_000)), .a)
                }
                let stamp = UInt32(frame * 160)
                let head: [UInt8] = [
                    0x80, 8, UInt8(frame >> 8 & 0xFF), UInt8(frame & 0xFF), UInt8(stamp >> 24),
                    UInt8(stamp >> 16 & 0xFF),
                    UInt8(stamp >> 8 & 0xFF), UInt8(stamp & 0xFF), 7, 7, 7, UInt8(index + 1),
                ]
                voice.peer.send(head + samples, to: voice.port)
            }
            // The pace of the packets is what is being simulated here.
            let next = begin + .milliseconds(20 * (frame + 1))
            let wait = clock.now.duration(to: next)
            if wait > .zero { usleep(UInt32(wait.components.attoseconds / 1_000_000_000_000)) }
        }
    }

    /// Those who are named speak for two seconds and a half. `share` is of the energy of what a listener gets: at it a voice in
    /// there counts as heard.
    ///
    /// - Returns: for each of them, whom he heard.
    static func heard(
        among voices: [(name: String, peer: WirePeer, port: UInt16, hertz: Double)],
        speaking: Set<String>,
        share: Double
    ) -> [String: Set<String>] {
        for voice in voices { _ = voice.peer.samples() }
        speak(voices.filter { speaking.contains($0.name) }.map { ($0.peer, $0.port, $0.hertz) }, seconds: 2.5)
        var heard: [String: Set<String>] = [:]
        for listener in voices where speaking.contains(listener.name) {
            let samples = listener.peer.samples()
            heard[listener.name] = Set(voices.filter { Tone.share(of: $0.hertz, in: samples) > share }.map(\.name))
        }
        return heard
    }
}
