import Codecs
import Foundation
import Glibc
import Synchronization

@testable import RecordingIO

let millisecond: Int64 = 1_000_000
let second: Int64 = 1_000_000_000

/// A clock that only tests move: nanoseconds.
final class HandClock: Sendable {
    private let instant = Mutex<Int64>(0)

    var now: Int64 {
        get { instant.withLock { $0 } }
        set { instant.withLock { $0 = newValue } }
    }
}

/// The disk, with something before each write: nil to go on, or what write(2) shall return.
struct OddStorage: RecordingStorage {
    let disk = DiskStorage()
    let before: @Sendable (Int32, UnsafeRawBufferPointer) -> Int?

    func create(_ path: String) -> Int32 { disk.create(path) }

    func append(_ descriptor: Int32, _ octets: UnsafeRawBufferPointer) -> Int {
        before(descriptor, octets) ?? disk.append(descriptor, octets)
    }

    func overwrite(_ descriptor: Int32, _ octets: UnsafeRawBufferPointer, at offset: Int64) -> Int {
        disk.overwrite(descriptor, octets, at: offset)
    }

    func read(_ descriptor: Int32, _ octets: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        disk.read(descriptor, octets, at: offset)
    }

    func isInPlace(_ descriptor: Int32, _ path: String) -> Bool { disk.isInPlace(descriptor, path) }

    func close(_ descriptor: Int32) { disk.close(descriptor) }
}

/// A folder that is gone when the test is.
final class Folder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/gudok-recordings-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { template in
            template.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

func contents(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var octets = [UInt8](repeating: 0, count: max(0, Int(lseek(descriptor, 0, SEEK_END))))
    let count = pread(descriptor, &octets, octets.count, 0)
    return Array(octets.prefix(max(0, count)))
}

func store(_ octets: [UInt8], at path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, octets, octets.count)
    close(descriptor)
}

/// The samples of a WAV as far as its header gives them, and whether the header gives all.
func wav(_ octets: [UInt8]) -> (left: [Int16], right: [Int16], isWhole: Bool) {
    guard octets.count >= 44 else { return ([], [], false) }
    let size = (0..<4).reduce(0) { $0 | Int(octets[40 + $1]) << ($1 * 8) }
    guard size <= octets.count - 44 else { return ([], [], false) }
    let samples = stride(from: 44, to: 44 + size, by: 2).map {
        Int16(bitPattern: UInt16(octets[$0]) | UInt16(octets[$0 + 1]) << 8)
    }
    return (
        stride(from: 0, to: samples.count, by: 2).map { samples[$0] },
        stride(from: 1, to: samples.count, by: 2).map { samples[$0] }, size == octets.count - 44
    )
}

/// Goertzel's power at one frequency, as a share of all power: 1 for a clean tone.
func share(of hertz: Double, in samples: [Int16]) -> Double {
    let factor = 2 * cos(2 * Double.pi * hertz / 8000)
    var (last, older, total) = (0.0, 0.0, 0.0)
    for sample in samples {
        (last, older) = (Double(sample) + factor * last - older, last)
        total += Double(sample) * Double(sample)
    }
    guard total > 0 else { return 0 }
    return 2 * (last * last + older * older - factor * last * older) / (total * Double(samples.count))
}

/// 20 ms of a tone as a phone sends it.
func payload(_ hertz: Double, _ number: Int, _ law: G711.Law = .a) -> [UInt8] {
    (number * 160..<(number + 1) * 160).map {
        G711.encode(Int16(8000 * sin(2 * Double.pi * hertz * Double($0) / 8000)), law)
    }
}

/// Both ways of the 20 ms that arrive at `number` × 20 ms: 440 Hz from the caller, 880 Hz from the operator.
@discardableResult
func push(_ producer: FrameRingProducer, _ id: UInt64, _ number: Int) -> Bool {
    var isTaken = true
    for (channel, law) in [(UInt8(0), G711.Law.a), (1, .µ)] {
        isTaken =
            payload(channel == 0 ? 440 : 880, number, law).withUnsafeBytes { octets in
                producer.push(
                    recording: id,
                    channel: channel,
                    codec: VoiceCodec(law),
                    rtpTimestamp: UInt32(truncatingIfNeeded: number * 160),
                    ssrc: UInt32(channel) + 7,
                    arrival: Int64(number) * 20 * millisecond,
                    payload: octets
                )
            } && isTaken
    }
    return isTaken
}

/// The recorder without its thread, in the test's own time.
final class Desk {
    let clock: HandClock
    let folder = Folder()
    let ring = FrameRing(capacity: 1 << 21)
    var commands: [RecorderCommand] = []
    var events: [RecorderEvent] = []
    /// What another thread does between the recorder's look at the rings and its look at the commands.
    var meanwhile: () -> Void = {}
    private(set) lazy var core = RecorderCore(
        rings: [ring],
        storage: storage,
        clock: { [clock] in clock.now },
        takeCommands: { [unowned self] in
            meanwhile()
            meanwhile = {}
            defer { commands = [] }
            return commands
        },
        deliver: { [unowned self] in events += $0 }
    )
    private let storage: any RecordingStorage
    /// The next 20 ms.
    var number = 0

    init(_ storage: any RecordingStorage = DiskStorage(), clock: HandClock = HandClock()) {
        (self.storage, self.clock) = (storage, clock)
    }

    func path(_ name: String) -> String { folder.path + "/" + name }

    func open(_ id: UInt64, _ name: String, _ format: RecordingRequest.Format = .wav) {
        commands.append(.open(RecordingRequest(id: id, path: path(name), format: format, start: clock.now)))
    }

    func close(_ ids: UInt64...) {
        commands += ids.map { .close($0, at: clock.now) }
        while core.step() {}
    }

    /// Both ways of these calls for so long, a step of the recorder's each 100 ms.
    func talk(_ ids: UInt64..., milliseconds: Int) {
        for _ in 0..<milliseconds / 20 {
            clock.now = max(clock.now, Int64(number) * 20 * millisecond)
            for id in ids { push(ring.producer, id, number) }
            number += 1
            if number % 5 == 0 { _ = core.step() }
        }
        clock.now = max(clock.now, Int64(number) * 20 * millisecond)
    }
}
