internal import Codecs
internal import Recording

/// A recording under way: its timeline, its file, and what waits between them. The recorder thread's own.
final class OpenRecording {
    /// How often what waits is written: 250 ms.
    static let flushInterval: Int64 = 250_000_000
    /// How often a header is rewritten: 1 s.
    static let headerInterval: Int64 = 1_000_000_000
    /// What may wait in memory; above it is written at once.
    static let mostPending = 1 << 18
    /// Frames are put in place until so many samples are due: 100 ms.
    static let grain = 800

    let id: UInt64
    let descriptor: Int32
    private let path: String
    private let disk: Disk
    private let writer: any RecordingWriter
    var timeline: RecordingTimeline
    /// Octets on disk.
    private(set) var octets: Int64 = 0
    private var pending: [UInt8] = []
    private var nextFlush: Int64
    private var nextHeader: Int64
    /// When it is to end, and the intake before which all its frames were pushed.
    var closing: (at: Int64, after: UInt64)?
    /// Why no more is written.
    private(set) var failure: String?
    /// Of each of the two that speaks Opus; whoever speaks beside them does so in G.711.
    private var opus: [OpusVoice?] = [nil, nil]

    init(_ request: RecordingRequest, writer: any RecordingWriter, descriptor: Int32, disk: Disk, now: Int64) {
        (id, self.writer, self.descriptor, self.disk) = (request.id, writer, descriptor, disk)
        path = request.path
        timeline = RecordingTimeline(start: request.start)
        (nextFlush, nextHeader) = (now &+ Self.flushInterval, now &+ Self.headerInterval)
        pending = writer.begin()
        // Playable, if empty, from the first moment on.
        flush()
    }

    var milliseconds: Int { Int(timeline.emitted) * 1000 / RecordingTimeline.rate }

    /// Puts a frame in its place; `samples` is room to decode it in.
    func add(
        _ frame: FrameRing.Frame,
        _ payload: UnsafeRawBufferPointer,
        with samples: UnsafeMutableBufferPointer<Int16>
    ) {
        let (count, timestamp) = decode(frame, payload, into: samples)
        guard count > 0 else { return }
        if timeline.due(at: frame.arrival) >= Self.grain { advance(to: frame.arrival) }
        timeline.add(
            channel: frame.channel,
            ssrc: frame.ssrc,
            timestamp: timestamp,
            arrival: frame.arrival,
            samples: UnsafeBufferPointer(rebasing: samples[..<count]).span
        )
    }

    private func decode(
        _ frame: FrameRing.Frame,
        _ payload: UnsafeRawBufferPointer,
        into samples: UnsafeMutableBufferPointer<Int16>
    ) -> (count: Int, timestamp: UInt32) {
        guard let law = frame.codec.law else {
            let side = Int(frame.channel)
            guard opus.indices.contains(side), let voice = opus[side] ?? OpusVoice() else { return (0, 0) }
            opus[side] = voice
            return voice.decode(payload, ssrc: frame.ssrc, timestamp: frame.rtpTimestamp, into: samples)
        }
        let table = Self.laws[law == .a ? 0 : 1]
        for (place, octet) in payload.enumerated() { samples[place] = table[Int(octet)] }
        return (payload.count, frame.rtpTimestamp)
    }

    private static let laws = [G711.Law.a, .µ].map { law in (0...255).map { G711.decode($0, law) } }

    /// Takes what is due, in pieces: after a computer's sleep it may be hours.
    func advance(to now: Int64, isLast: Bool = false) {
        while failure == nil {
            let samples = timeline.take(at: min(now, closing?.at ?? now), isLast: isLast)
            guard !samples.isEmpty else { return }
            writer.append(samples, to: &pending)
            if pending.count >= Self.mostPending { flush() }
        }
    }

    /// Writes what is due at `now`.
    func write(at now: Int64) {
        guard failure == nil, now >= nextFlush else { return }
        nextFlush = now &+ Self.flushInterval
        flush()
        guard failure == nil, now >= nextHeader else { return }
        nextHeader = now &+ Self.headerInterval
        rewriteHeader()
    }

    /// Everything up to the end is in the file.
    func finish() {
        guard let closing else { return }
        advance(to: closing.at, isLast: true)
        guard failure == nil else { return }
        writer.finish(to: &pending)
        flush()
        if failure == nil { rewriteHeader() }
        // What was written into a file that nobody can find is no recording.
        if failure == nil, !disk.isInPlace(descriptor, path) {
            failure = "the file was taken away while it was written"
        }
    }

    /// After a failure: what is on disk is made to play.
    func abandon() {
        if let header = writer.header(ofFileWith: octets) { _ = disk.rewrite(header, of: descriptor) }
    }

    /// Its end, when it is not all there; `sha256` is that of what is.
    func failed(_ why: String, sha256: String? = nil) -> RecorderEvent {
        .failed(
            id,
            why: why,
            milliseconds: writer.milliseconds(ofFileWith: octets),
            octets: Int(octets),
            sha256: sha256
        )
    }

    private func flush() {
        guard !pending.isEmpty else { return }
        let (count, error) = disk.append(pending, to: descriptor)
        octets &+= Int64(count)
        pending.removeAll(keepingCapacity: pending.capacity <= Self.mostPending * 2)
        if let error { failure = "cannot write: \(describe(error))" }
    }

    private func rewriteHeader() {
        guard let header = writer.header(ofFileWith: octets) else { return }
        if let error = disk.rewrite(header, of: descriptor) { failure = "cannot write: \(describe(error))" }
    }
}
