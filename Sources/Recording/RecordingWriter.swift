/// Turns interleaved samples (PCM16, 8 kHz, two channels) into the octets of a file, in order.
public protocol RecordingWriter: AnyObject {
    /// What the file begins with.
    func begin() -> [UInt8]
    /// Appends to `output` what can be written by now.
    func append(_ samples: [Int16], to output: inout [UInt8])
    /// The rest; nothing may be appended after it.
    func finish(to output: inout [UInt8])
    /// The beginning of a file that has this many octets on disk, when it differs from what `begin` gave.
    func header(ofFileWith octets: Int64) -> [UInt8]?
    /// How many milliseconds of a file play whose first so many octets are on disk, and no more.
    func milliseconds(ofFileWith octets: Int64) -> Int
}
