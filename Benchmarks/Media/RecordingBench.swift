import Codecs
import Glibc
import RecordingIO
import Synchronization

/// Both ways of many calls written to files: what the recorder's thread takes for a second of one call.
func benchRecording(_ format: RecordingRequest.Format, calls: Int, seconds: Int, folder: String) -> Double? {
    let clock = Mutex<Int64>(0)
    let ring = FrameRing(capacity: 16 << 20)
    let failures = Atomic<Int>(0)
    let recorder = Recorder(rings: [ring], clock: { clock.withLock { $0 } }) { events in
        for case .failed in events { failures.add(1, ordering: .relaxed) }
    }
    guard let recorder else { return nil }
    for call in 0..<calls {
        let path = "\(folder)/\(call).\(format == .wav ? "wav" : "opus")"
        recorder.open(RecordingRequest(id: UInt64(call) + 1, path: path, format: format, start: 0))
    }
    let before = cpuSeconds(ofThreads: "gudok-recorder")
    for number in 0..<seconds * 50 {
        let now = Int64(number) * 20_000_000
        for call in 0..<calls {
            for channel in 0..<2 {
                // The two sides are not in step with each other, nor calls with calls.
                let payload = frame(number + call * 7 + channel * 31)
                payload.withUnsafeBytes { payload in
                    let isTaken = {
                        ring.producer.push(
                            recording: UInt64(call) + 1,
                            channel: UInt8(channel),
                            codec: .pcma,
                            rtpTimestamp: UInt32(number * 160),
                            ssrc: UInt32(call * 2 + channel),
                            arrival: now,
                            payload: payload
                        )
                    }
                    while !isTaken() { usleep(20_000) }
                }
            }
        }
        clock.withLock { $0 = now }
        // The recorder looks every 100 ms; so much less than its ring holds comes meanwhile.
        if number % 10 == 9 { usleep(50_000) }
    }
    // Read while the thread lives; closing the files and their hashes is part of it.
    for call in 0..<calls { recorder.close(UInt64(call) + 1, at: clock.withLock { $0 }) }
    let end = clock.withLock { $0 }
    var last = -1.0
    var spent = cpuSeconds(ofThreads: "gudok-recorder") - before
    while spent > last + 0.001 {
        last = spent
        clock.withLock { $0 = end + 1_000_000_000 }
        usleep(300_000)
        spent = cpuSeconds(ofThreads: "gudok-recorder") - before
    }
    recorder.stop()
    return failures.load(ordering: .relaxed) > 0 ? nil : spent / Double(calls * seconds)
}
