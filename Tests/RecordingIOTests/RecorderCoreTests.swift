import Glibc
import Hashes
import Synchronization
import Testing

@testable import RecordingIO

@Suite("The recorder in a test's own time")
struct RecorderCoreTests {
    private func hex(_ octets: [UInt8]) -> String {
        sha256(octets).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func `A WAV has the caller left, the operator right, its true length and hash`() {
        let desk = Desk()
        desk.open(1, "2024/05/call.wav")
        desk.talk(1, milliseconds: 3000)
        desk.close(1)
        let octets = contents(desk.path("2024/05/call.wav"))
        let sound = wav(octets)
        #expect(sound.isWhole && sound.left.count == 24_000)
        #expect(share(of: 440, in: sound.left) > 0.98 && share(of: 880, in: sound.right) > 0.98)
        #expect(
            desk.events == [
                .final(1, milliseconds: 3000, octets: octets.count, sha256: hex(octets), lostFrames: 0)
            ]
        )
    }

    @Test func `An Ogg Opus file is reported with its hash`() {
        let desk = Desk()
        desk.open(1, "call.opus", .oggOpus)
        desk.talk(1, milliseconds: 3000)
        desk.close(1)
        let octets = contents(desk.path("call.opus"))
        #expect(octets.starts(with: Array("OggS".utf8)) && octets.count > 5000 && octets.count < 14_000)
        #expect(
            desk.events == [
                .final(1, milliseconds: 3000, octets: octets.count, sha256: hex(octets), lostFrames: 0)
            ]
        )
    }

    @Test func `Opus of both ways is decoded, over the end of its time stamps, and what is no Opus is silence`() throws
    {
        let desk = Desk()
        desk.open(1, "call.wav")
        let left = try #require(OpusSpeaker(hertz: 440)), right = try #require(OpusSpeaker(hertz: 880))
        for number in 0..<150 {
            desk.clock.now = Int64(number) * 20 * millisecond
            for (channel, speaker) in [(UInt8(0), left), (1, right)] {
                let payload = number == 100 ? [UInt8](repeating: 0xFF, count: 40) : speaker.next()
                let isTaken = payload.withUnsafeBytes {
                    desk.ring.producer.push(
                        recording: 1,
                        channel: channel,
                        codec: .opus,
                        rtpTimestamp: (UInt32.max - 48_000) &+ UInt32(number * 960),
                        ssrc: UInt32(channel) + 7,
                        arrival: desk.clock.now,
                        payload: $0
                    )
                }
                #expect(isTaken)
            }
            if number % 5 == 4 { _ = desk.core.step() }
        }
        desk.clock.now = 3 * second
        desk.close(1)
        let sound = wav(contents(desk.path("call.wav")))
        #expect(sound.left.count == 24_000)
        for half in [800..<15_900, 16_400..<23_900] {
            #expect(share(of: 440, in: Array(sound.left[half])) > 0.95)
            #expect(share(of: 880, in: Array(sound.right[half])) > 0.95)
        }
    }

    @Test func `What is dialled during a pause is not in the file, and its time is`() {
        let desk = Desk()
        desk.open(1, "call.wav")
        desk.talk(1, milliseconds: 1000)
        desk.commands.append(.pause(1, at: desk.clock.now))
        desk.talk(1, milliseconds: 2000)
        desk.commands.append(.resume(1, at: desk.clock.now))
        desk.talk(1, milliseconds: 1000)
        desk.close(1)
        let sound = wav(contents(desk.path("call.wav")))
        #expect(sound.left.count == 32_000)
        for samples in [sound.left, sound.right] {
            #expect(samples[8000..<24_000].allSatisfy { $0 == 0 })
            #expect(samples[7000..<8000].contains { $0 != 0 } && samples[24_000..<24_160].contains { $0 != 0 })
        }
    }

    @Test func `A recording whose file is taken away, or another put in its place, has failed`() {
        let desk = Desk()
        for id: UInt64 in 1...3 { desk.open(id, "\(id).wav") }
        desk.talk(1, 2, 3, milliseconds: 1000)
        #expect(unlink(desk.path("1.wav")) == 0)
        #expect(rename(desk.path("2.wav"), desk.path("3.wav")) == 0)
        desk.close(1, 2, 3)
        let failed = desk.events.compactMap { event -> UInt64? in
            guard case .failed(let id, let why, _, _, _) = event, why.contains("taken away") else { return nil }
            return id
        }
        #expect(failed.sorted() == [1, 2, 3])
    }

    @Test func `A WAV whose writer was killed plays to the last second, and is repaired to the last half`() throws {
        let desk = Desk()
        desk.open(1, "call.wav")
        for step in 1...40 {
            desk.talk(1, milliseconds: 100)
            let octets = contents(desk.path("call.wav"))
            #expect(octets.count >= 44)
            let said = (0..<4).reduce(0) { $0 | Int(octets[40 + $1]) << ($1 * 8) }
            #expect(said <= octets.count - 44 && said >= (step * 100 - 2000) * 32)
            store(octets + [1, 2, 3], at: desk.path("copy.wav"))
            let milliseconds = try #require(repairWAV(desk.path("copy.wav")))
            let sound = wav(contents(desk.path("copy.wav")))
            #expect(sound.isWhole && sound.left.count == milliseconds * 8 && milliseconds >= step * 100 - 1000)
            if milliseconds >= 1000 { #expect(share(of: 440, in: sound.left) > 0.98) }
        }
        desk.close(1)
    }

    @Test func `An Ogg Opus file whose writer was killed plays to the last second, without the page that was cut`()
        throws
    {
        let desk = Desk()
        desk.open(1, "call.opus", .oggOpus)
        for step in 1...40 {
            desk.talk(1, milliseconds: 100)
            let octets = contents(desk.path("call.opus"))
            store(octets + Array("OggS".utf8), at: desk.path("copy.opus"))
            let milliseconds = try #require(repairOgg(desk.path("copy.opus")))
            #expect(contents(desk.path("copy.opus")) == octets)
            #expect(milliseconds >= step * 100 - 1000 && milliseconds <= step * 100)
        }
        desk.close(1)
        #expect(repairOgg(desk.path("call.opus")) == 4000)
        store(Array("no sound at all, but more than a page's header of octets".utf8), at: desk.path("note"))
        #expect(repairOgg(desk.path("note")) == nil && repairOgg(desk.path("nothing")) == nil)
    }

    @Test func `Repair leaves alone what is no recording`() {
        let folder = Folder()
        let path = folder.path + "/x"
        #expect(repairWAV(path) == nil)
        let text = Array("a note of more than forty-four octets, nothing to do with sound".utf8)
        store(text, at: path)
        #expect(repairWAV(path) == nil && contents(path) == text)
        store(Array("RIFF".utf8), at: path)
        #expect(repairWAV(path) == 0 && wav(contents(path)).isWhole)
    }

    @Test func `A full disk ends the recording that meets it, keeps what it has, and no other`() {
        let room = Mutex<[Int32: Int]>([:])
        let first = Mutex<Int32?>(nil)
        let storage = OddStorage { descriptor, octets in
            let full = first.withLock { first in
                if first == nil { first = descriptor }
                return first
            }
            guard descriptor == full else { return nil }
            let left = room.withLock { room in
                let left = room[descriptor] ?? 40_001
                room[descriptor] = max(0, left - octets.count)
                return left
            }
            if left == 0 { return -Int(ENOSPC) }
            return octets.count <= left ? nil : DiskStorage().append(descriptor, .init(rebasing: octets[..<left]))
        }
        let desk = Desk(storage)
        desk.open(1, "full.wav")
        desk.open(2, "fine.wav")
        desk.talk(1, 2, milliseconds: 4000)
        // What plays of it: 9,989 samples of both channels.
        #expect(
            desk.events == [
                .failed(
                    1,
                    why: "cannot write: No space left on device",
                    milliseconds: 1248,
                    octets: 40_001,
                    sha256: hex(contents(desk.path("full.wav")))
                )
            ]
        )
        desk.close(1, 2)
        #expect(desk.events.count == 2)
        let kept = wav(contents(desk.path("full.wav")))
        #expect(kept.left.count == (40_001 - 44) / 4 && share(of: 440, in: kept.left) > 0.98)
        #expect(wav(contents(desk.path("fine.wav"))).left.count == 32_000)
    }

    @Test(arguments: [3_000, 9_999, 12_345])
    func `Of an Opus file that meets a full disk it is known how long it plays`(room: Int) {
        let left = Mutex(room)
        let desk = Desk(
            OddStorage { descriptor, octets in
                let count = left.withLock { left in
                    defer { left = max(0, left - octets.count) }
                    return left
                }
                if count == 0 { return -Int(ENOSPC) }
                return octets.count <= count ? nil : DiskStorage().append(descriptor, .init(rebasing: octets[..<count]))
            }
        )
        desk.open(1, "full.ogg", .oggOpus)
        desk.talk(1, milliseconds: 10_000)
        let octets = contents(desk.path("full.ogg"))
        let digest = hex(octets)
        // As long as the repair of an interrupted file finds it, which walks its pages.
        guard let plays = repairOgg(desk.path("full.ogg")) else {
            Issue.record("it is no Ogg Opus file")
            return
        }
        #expect(plays > 500 && octets.count == room)
        let why = "cannot write: No space left on device"
        #expect(desk.events == [.failed(1, why: why, milliseconds: plays, octets: room, sha256: digest)])
    }

    @Test func `What cannot be created fails at once, and what exists is not touched`() {
        let desk = Desk()
        store([1, 2, 3], at: desk.path("taken.wav"))
        desk.open(1, "taken.wav")
        desk.open(2, "taken.wav/under.wav")
        desk.open(3, "fine.wav")
        desk.talk(1, 2, 3, milliseconds: 400)
        desk.close(1, 2, 3)
        #expect(
            desk.events.prefix(2) == [
                .failed(1, why: "cannot create: File exists"), .failed(2, why: "cannot create: Not a directory"),
            ]
        )
        #expect(desk.events.count == 3 && contents(desk.path("taken.wav")) == [1, 2, 3])
    }

    @Test func `A disk that stalls for five seconds loses nothing`() {
        let clock = HandClock()
        let ring = Mutex<(producer: FrameRingProducer?, hasStalled: Bool)>((nil, false))
        // As the sixth second begins, a write takes five, and the calls go on meanwhile.
        let storage = OddStorage { _, _ in
            ring.withLock { ring in
                guard !ring.hasStalled, clock.now >= 5 * second, let producer = ring.producer else { return nil }
                ring.hasStalled = true
                let from = Int(clock.now / (20 * millisecond)) + 1
                for number in from..<from + 250 { for id: UInt64 in 1...3 { push(producer, id, number) } }
                clock.now += 5 * second
                return nil
            }
        }
        let desk = Desk(storage, clock: clock)
        ring.withLock { $0.producer = desk.ring.producer }
        for id: UInt64 in 1...3 { desk.open(id, "\(id).wav") }
        desk.talk(1, 2, 3, milliseconds: 4980)
        while !desk.events.contains(.stalled(milliseconds: 5000)), desk.number < 400 {
            desk.talk(1, 2, 3, milliseconds: 20)
        }
        desk.number = Int(clock.now / (20 * millisecond)) + 1
        desk.talk(1, 2, 3, milliseconds: 2000)
        desk.close(1, 2, 3)
        #expect(desk.events.prefix(2) == [.stalled(milliseconds: 5000), .recovered])
        #expect(desk.events.count == 5 && desk.ring.refused == 0)
        for event in desk.events.dropFirst(2) {
            guard case .final(let id, _, _, _, let lost) = event else {
                Issue.record("\(event)")
                continue
            }
            let sound = wav(contents(desk.path("\(id).wav")))
            #expect(lost == 0 && sound.left.count > 96_000)
            #expect(share(of: 440, in: sound.left) > 0.98 && share(of: 880, in: sound.right) > 0.98)
        }
    }

    @Test func `What was pushed before a close is in the file, whenever the recorder looks`() {
        let desk = Desk()
        desk.open(1, "call.wav")
        desk.talk(1, milliseconds: 1000)
        desk.meanwhile = { [unowned desk] in
            push(desk.ring.producer, 1, 50)
            desk.clock.now += 20 * millisecond
            desk.commands.append(.close(1, at: desk.clock.now))
        }
        while desk.core.step() {}
        let sound = wav(contents(desk.path("call.wav")))
        #expect(sound.left[8000...].contains { $0 != 0 })
        guard case .final(1, 1020, _, _, 0) = desk.events.last else {
            Issue.record("\(desk.events)")
            return
        }
    }

    @Test func `After a sleep of an hour the file has an hour more, and memory does not`() {
        let desk = Desk()
        desk.open(1, "call.wav")
        desk.talk(1, milliseconds: 1000)
        desk.clock.now += 3600 * second
        desk.close(1)
        guard case .final(1, let milliseconds, let octets, _, _) = desk.events.last else {
            Issue.record("\(desk.events)")
            return
        }
        #expect(milliseconds == 3_601_000 && octets == 3_601 * 32_000 + 44)
    }

    @Test func `Frames of nobody, and commands for nobody, are ignored`() {
        let desk = Desk()
        desk.commands = [.pause(9, at: 0), .resume(9, at: 5), .close(9, at: 7)]
        desk.talk(9, milliseconds: 200)
        #expect(!desk.core.step() && desk.events.isEmpty)
    }
}
