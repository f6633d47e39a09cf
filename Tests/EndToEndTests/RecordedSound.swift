import Foundation
import Testing

extension RunningSwitch {
    /// The samples of a recording in WAV, when it is over.
    func recorded(_ id: String) throws -> (left: [Double], right: [Double]) {
        let file = folder.appending(path: "\(id).wav")
        #expect(try eventually { try gudok("recordings", "get", id, "-o", file.path).code == 0 })
        let samples = try Data(contentsOf: file).dropFirst(44).withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
        return (
            stride(from: 0, to: samples.count - 1, by: 2).map { Double(samples[$0]) },
            stride(from: 1, to: samples.count, by: 2).map { Double(samples[$0]) }
        )
    }
}

extension Tone {
    /// How long a voice is heard, be it together with others.
    static func seconds(of hertz: Double, in samples: [Double]) -> Double {
        let piece = 800
        let heard = stride(from: 0, to: samples.count - piece + 1, by: piece).count { start in
            let samples = samples[start..<start + piece]
            return samples.contains { abs($0) > 500 } && share(of: hertz, inAll: samples) > 0.2
        }
        return Double(heard * piece) / 8_000
    }
}
