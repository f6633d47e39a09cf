internal import Glibc
internal import Recording

/// Makes the sizes in a WAV's header those of the file, whose writer was killed: at start-up, before anybody writes.
/// Its length in milliseconds; nil when it cannot be read or written, or is no WAV of this recorder's.
public func repairWAV(_ path: String) -> Int? {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let size = Int64(lseek(descriptor, 0, SEEK_END))
    var found = [UInt8](repeating: 0, count: WAVWriter.headerLength)
    let count = pread(descriptor, &found, found.count, 0)
    // Killed before the whole header was there: that is a recording of nothing.
    guard size >= 0, count >= 0, WAVWriter.isOwn(Array(found.prefix(count))) else { return nil }
    let block = Int64(WAVWriter.block)
    let data = max(0, size - Int64(WAVWriter.headerLength)) / block * block
    let header = WAVWriter.header(dataOctets: data)
    if found != header || count < header.count {
        guard pwrite(descriptor, header, header.count, 0) == header.count else { return nil }
    }
    // Half a sample at the end would make it a file of odd length.
    if size > data + Int64(header.count), ftruncate(descriptor, Int(data) + header.count) != 0 { return nil }
    return Int(data) * 1000 / WAVWriter.octetsPerSecond
}
