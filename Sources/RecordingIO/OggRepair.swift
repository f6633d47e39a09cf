internal import Glibc

/// Cuts off the page that an Ogg Opus file's writer was killed in: at start-up, before anybody writes. Its length in milliseconds,
/// by its last page's granule position (RFC 7845 §4); nil when it cannot be read or written, or is no Ogg Opus file.
public func repairOgg(_ path: String) -> Int? {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    var end = 0
    var granule: Int64 = 0
    var preSkip: Int64?
    // A page's header: 27 octets, and the lengths of at most 255 segments (RFC 3533 §6).
    var page = [UInt8](repeating: 0, count: 27 + 255 + 12)
    while true {
        let count = pread(descriptor, &page, page.count, end)
        guard count >= 27, page.starts(with: "OggS".utf8) else { break }
        let body = 27 + Int(page[26])
        guard count >= body else { break }
        let next = end + body + page[27..<body].reduce(0) { $0 + Int($1) }
        guard next <= size else { break }
        if end == 0 {
            guard count >= body + 12, page[body...].starts(with: "OpusHead".utf8) else { return nil }
            preSkip = Int64(page[body + 10]) | Int64(page[body + 11]) << 8
        }
        let position = (0..<8).reduce(UInt64(0)) { $0 | UInt64(page[6 + $1]) << (UInt64($1) * 8) }
        granule = max(granule, Int64(bitPattern: position))
        end = next
    }
    guard let preSkip else { return nil }
    if end < size, ftruncate(descriptor, end) != 0 { return nil }
    return Int(max(0, granule &- preSkip) / 48)
}
