internal import Recording

/// What the recorder thread does between two waits. Without the thread, so that tests can do it in their own time.
final class RecorderCore {
    /// What is hashed in one step: a few milliseconds' work.
    static let hashed = 1 << 22
    /// When writing has taken 100 ms, the rings are emptied before it goes on.
    static let slow: Int64 = 100_000_000

    private let rings: [FrameRing]
    private let clock: () -> Int64
    private let disk: Disk
    private let takeCommands: () -> [RecorderCommand]
    private let deliver: ([RecorderEvent]) -> Void
    private var open: [UInt64: OpenRecording] = [:]
    private var finished: [FinishedRecording] = []
    private var events: [RecorderEvent] = []
    private var intakes: UInt64 = 0
    /// The instant up to which all frames are known. Later ones may wait in the rings, so nothing may be given out by a
    /// later clock.
    private var known: Int64 = 0
    private let samples: UnsafeMutableBufferPointer<Int16>
    private let buffer: UnsafeMutableRawBufferPointer

    init(
        rings: [FrameRing],
        storage: any RecordingStorage,
        clock: @escaping () -> Int64,
        takeCommands: @escaping () -> [RecorderCommand],
        busy: @escaping (Int64?) -> Void = { _ in },
        deliver: @escaping ([RecorderEvent]) -> Void
    ) {
        (self.rings, self.clock, self.takeCommands, self.deliver) = (rings, clock, takeCommands, deliver)
        disk = Disk(storage, clock: clock, busy: busy)
        samples = .allocate(capacity: FrameRing.longestPayload)
        samples.initialize(repeating: 0)
        buffer = .allocate(byteCount: 1 << 18, alignment: 16)
        disk.tell = { [unowned self] event in
            events.append(event)
            settle()
        }
    }

    deinit {
        samples.deallocate()
        buffer.deallocate()
    }

    /// Takes what has come, writes what is due. Whether there is more to do at once.
    func step() -> Bool {
        intake()
        for recording in Array(open.values) {
            attend(recording)
            if clock() &- known > Self.slow { intake() }
        }
        hash()
        settle()
        return !finished.isEmpty || open.values.contains { $0.closing != nil }
    }

    /// Closes whatever is open, and reports it.
    func finish() {
        intake()
        let now = clock()
        for recording in open.values where recording.closing == nil { recording.closing = (now, intakes) }
        while step() {}
    }

    // MARK: in

    /// The rings' ends are read before the commands: whoever pushed a frame that is among these had opened its recording
    /// before. And whatever was pushed before a `close` is taken in by the next intake at the latest.
    private func intake() {
        known = clock()
        let ends = rings.map(\.end)
        intakes &+= 1
        for command in takeCommands() { apply(command) }
        for (ring, end) in zip(rings, ends) {
            ring.drain(to: end) { frame, payload in
                guard let recording = open[frame.recording], recording.failure == nil else { return }
                recording.add(frame, payload, with: samples)
            }
        }
    }

    private func apply(_ command: RecorderCommand) {
        switch command {
        case .open(let request): begin(request)
        case .pause(let id, let at): open[id]?.timeline.pause(at: at)
        case .resume(let id, let at): open[id]?.timeline.resume(at: at)
        case .close(let id, let at): open[id]?.closing = (min(at, clock()), intakes)
        }
    }

    private func begin(_ request: RecordingRequest) {
        guard open[request.id] == nil else { return }
        let writer: (any RecordingWriter)? =
            switch request.format {
            case .wav: WAVWriter()
            case .oggOpus: OggOpusWriter(serial: UInt32(truncatingIfNeeded: request.id))
            }
        guard let writer else { return events.append(.failed(request.id, why: "no memory for an encoder")) }
        let descriptor = disk.create(request.path)
        guard descriptor >= 0 else {
            return events.append(.failed(request.id, why: "cannot create: \(describe(Int(descriptor)))"))
        }
        open[request.id] = OpenRecording(request, writer: writer, descriptor: descriptor, disk: disk, now: clock())
    }

    // MARK: out

    private func attend(_ recording: OpenRecording) {
        if let closing = recording.closing, intakes > closing.after {
            recording.finish()
            if recording.failure == nil { return end(recording) }
        } else {
            recording.advance(to: known)
            recording.write(at: known)
        }
        guard recording.failure != nil else { return }
        recording.abandon()
        end(recording)
    }

    private func end(_ recording: OpenRecording) {
        open[recording.id] = nil
        if let done = FinishedRecording(recording) { return finished.append(done) }
        disk.close(recording.descriptor)
        events.append(recording.failed(recording.failure ?? "no memory for a hash"))
    }

    private func hash() {
        var budget = Self.hashed
        while budget > 0, let next = finished.first {
            budget -= buffer.count
            guard let event = next.proceed(disk, buffer) else { continue }
            finished.removeFirst()
            events.append(event)
        }
    }

    private func settle() {
        guard !events.isEmpty else { return }
        let batch = events
        events.removeAll(keepingCapacity: true)
        deliver(batch)
    }
}
