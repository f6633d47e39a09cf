import Codecs
import Foundation
import Glibc
import Synchronization
import Testing

@testable import RecordingIO

@Suite("The recorder's thread and its ring", .timeLimit(.minutes(1)))
struct RecorderTests {
    @Test func `Calls are recorded while others are, until the recorder stops`() async throws {
        let folder = Folder()
        let clock = HandClock()
        let (events, told) = AsyncStream.makeStream(of: RecorderEvent.self)
        let rings = [FrameRing(capacity: 1 << 20), FrameRing(capacity: 1 << 20)]
        let started = Recorder(rings: rings, clock: { clock.now }, deliver: { for event in $0 { told.yield(event) } })
        let recorder = try #require(started)
        for id: UInt64 in 1...4 {
            recorder.open(
                RecordingRequest(
                    id: id,
                    path: "\(folder.path)/\(id)",
                    format: id == 4 ? .oggOpus : .wav,
                    start: 0
                )
            )
        }
        for number in 0..<100 {
            clock.now = Int64(number) * 20 * millisecond
            for id: UInt64 in 1...4 { push(rings[Int(id) % 2].producer, id, number) }
        }
        clock.now = 2 * second
        recorder.close(1, at: clock.now)
        var seen = 0
        for await event in events {
            guard case .final(let id, 2000, _, _, _) = event else {
                Issue.record("\(event)")
                break
            }
            if seen == 0 {
                #expect(id == 1)
                recorder.stop()
            }
            seen += 1
            if seen == 4 { break }
        }
        recorder.stop()
        for id in 1...3 {
            let sound = wav(contents("\(folder.path)/\(id)"))
            #expect(sound.isWhole && sound.left.count == 16_000)
            #expect(share(of: 440, in: sound.left) > 0.98 && share(of: 880, in: sound.right) > 0.98)
        }
    }

    @Test func `A disk that does not answer is seen while it does not, and waited for no longer than one may`() throws {
        let folder = Folder()
        let (asked, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let storage = OddStorage { _, _ in
            asked.signal()
            goOn.wait()
            return nil
        }
        let clock = HandClock()
        clock.now = second
        let started = Recorder(rings: [], storage: storage, clock: { clock.now }, deliver: { _ in })
        let recorder = try #require(started)
        #expect(recorder.stall == 0)
        recorder.open(RecordingRequest(id: 1, path: "\(folder.path)/1", format: .wav, start: clock.now))
        asked.wait()
        clock.now += 6 * second
        #expect(recorder.stall == 6 * second)
        #expect(!recorder.stop())
        for _ in 0..<100 { goOn.signal() }
    }

    @Test func `A full ring refuses, counts, and goes on once there is room`() {
        let ring = FrameRing(capacity: 4096)
        let octets = [UInt8](repeating: 5, count: 160)
        func push(_ number: UInt32, _ octets: [UInt8]) -> Bool {
            octets.withUnsafeBytes {
                ring.producer.push(
                    recording: 3,
                    channel: 1,
                    codec: .pcmu,
                    rtpTimestamp: number,
                    ssrc: 4,
                    arrival: -5,
                    payload: $0
                )
            }
        }
        var taken: UInt32 = 0
        while push(taken, octets) { taken += 1 }
        #expect(taken == 21 && ring.refused == 1)
        var drained: [UInt32] = []
        ring.drain(to: ring.end) { frame, payload in
            drained.append(frame.rtpTimestamp)
            #expect(frame.recording == 3 && frame.channel == 1 && frame.codec == .pcmu && frame.ssrc == 4)
            #expect(frame.arrival == -5 && payload.elementsEqual(octets))
        }
        #expect(drained == Array(0..<21) && push(99, octets))
        #expect(!push(1, []) && !push(1, [UInt8](repeating: 0, count: FrameRing.longestPayload + 1)))
        #expect(ring.refused == 3)
    }

    @Test func `Everything that one thread pushes comes out of the other in order and whole`() {
        let ring = FrameRing(capacity: 4096)
        let total = 200_000
        // Threads of their own: those of the tasks are other tests' too, and each would wait for its turn among them.
        Thread.detachNewThread {
            let producer = ring.producer
            var dice: UInt32 = 1
            var count = 0
            while count < total {
                let length = Int(dice % 200) + 1
                let octets = [UInt8](repeating: UInt8(truncatingIfNeeded: count), count: length)
                let isTaken = octets.withUnsafeBytes {
                    producer.push(
                        recording: UInt64(count),
                        channel: 0,
                        codec: .pcma,
                        rtpTimestamp: UInt32(length),
                        ssrc: 0,
                        arrival: 0,
                        payload: $0
                    )
                }
                guard isTaken else {
                    sched_yield()
                    continue
                }
                dice = dice &* 1_664_525 &+ 1_013_904_223
                count += 1
            }
        }
        var next = 0
        var isSound = true
        while next < total {
            ring.drain(to: ring.end) { frame, payload in
                isSound =
                    isSound && frame.recording == UInt64(next) && Int(frame.rtpTimestamp) == payload.count
                    && payload.first == UInt8(truncatingIfNeeded: next) && payload.last == payload.first
                next += 1
            }
            sched_yield()
        }
        #expect(next == total && isSound)
    }
}
