import Events
public import Media
public import NetAddress

/// A media plane without packets: ports are counted, commands remembered, reports sent when ports close.
public final class SimulatedMedia: MediaControl {
    private let address: IPAddress
    private var nextPort: UInt16 = 20_000
    private var serial: UInt64 = 0
    public private(set) var open: Set<MediaID> = []
    public private(set) var opened = 0
    /// Events that the core has yet to hear.
    private var pending: [MediaEvent] = []
    /// What is being said, and for how many milliseconds, since the last call of `takeSayings`.
    private var sayings: [(milliseconds: Int, event: MediaEvent)] = []
    /// Ports that are bridged to each other now.
    public private(set) var bridges: [MediaID: MediaID] = [:]

    /// Whom the ports of mixes hear now.
    public private(set) var mixes: [MediaID: [MediaID]] = [:]

    /// Which of two threads serves a port: only ports of one can be joined.
    private var threads: [MediaID: Int] = [:]
    /// Commands that no media plane could carry out, in words.
    public private(set) var faults: [String] = []

    public init(address: IPAddress) { self.address = address }

    /// It has ports for everybody.
    public var pairsFree: Int { 1_000 }

    public func open(near: MediaID?, isV6: Bool) throws(MediaRefusal) -> MediaPort {
        serial += 1
        nextPort = nextPort >= 60_000 ? 20_000 : nextPort + 2
        let port = MediaPort(id: MediaID(rawValue: serial), address: address, rtpPort: nextPort)
        open.insert(port.id)
        threads[port.id] = near.flatMap { threads[$0] } ?? Int(serial % 2)
        opened += 1
        return port
    }

    public func perform(_ command: MediaCommand) {
        switch command {
        case .close(let id):
            guard open.remove(id) != nil else { return }
            mixes[id] = nil
            if let other = bridges.removeValue(forKey: id) { bridges[other] = nil }
            pending.append(.closed(id, MediaReport()))
        case .bridge(let a, let b): bridge(a, b)
        case .tap(let a, let b, let members):
            bridge(a, b)
            perform(.mix(members))
        case .mix(let members):
            if Set(members.compactMap { threads[$0.port] }).count > 1 { faults.append("a mix over two threads") }
            for member in members {
                if let other = bridges.removeValue(forKey: member.port) { bridges[other] = nil }
                mixes[member.port] = member.hears
            }
        case .unbridge(let id): if let other = bridges.removeValue(forKey: id) { bridges[other] = nil }
        case .say(let id, let clips, let loop, let token):
            if let other = bridges.removeValue(forKey: id) { bridges[other] = nil }
            guard loop == nil, open.contains(id) else { return }
            let length = clips.reduce(0) { $0 + $1.milliseconds }
            sayings.append((length, .said(id, token: token)))
        case .record, .stopRecording, .configure, .echo, .play, .stop, .sendDigit: break
        }
    }

    public func reaches(_ address: IPAddress) -> Bool { true }

    private func bridge(_ a: MediaID, _ b: MediaID) {
        guard open.contains(a), open.contains(b) else { return }
        if threads[a] != threads[b] { faults.append("a bridge over two threads") }
        (bridges[a], bridges[b]) = (b, a)
        (mixes[a], mixes[b]) = (nil, nil)
    }

    public func areTogether(_ a: MediaID, _ b: MediaID) -> Bool { threads[a] == threads[b] }
    public func flush() {}

    /// Takes what happened since the last call.
    public func takeEvents() -> [MediaEvent] {
        defer { pending = [] }
        return pending
    }

    /// What began to be said: whoever keeps the clock lets its end happen.
    public func takeSayings() -> [(milliseconds: Int, event: MediaEvent)] {
        defer { sayings = [] }
        return sayings
    }

    /// Lets something happen on a port: silence, a key.
    public func happen(_ event: MediaEvent) { pending.append(event) }
}
