import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import ControlAPI

private struct Mirror: ControlBackend {
    struct Seen: Codable, Equatable {
        var method: String
        var path: [String]
        var query: [String: String]
        var body: Int
        var peer: String
    }

    /// The path `hang` is answered after longer than anybody here waits: what a stuck backend is like. `isDeaf`: that it lives, too.
    var isDeaf = false

    func events(for request: ControlRequest) async -> EventStream? {
        guard request.path == ["follow"] else { return nil }
        // The pace of a silent stream, by which the server finds out who is gone.
        return .open(AsyncStream { (try? await Task.sleep(for: .seconds(1))).map { .beat } })
    }

    func answer(_ request: ControlRequest) async -> ControlReply {
        if request.path == ["hang"] || isDeaf { try? await Task.sleep(for: .seconds(5)) }
        if request.path == ["fail"] { return .problem(status: 409, code: "c", what: "w", mend: "m") }
        return .json(
            Seen(
                method: request.method,
                path: request.path,
                query: request.query,
                body: request.body.count,
                peer: "\(request.peer)"
            )
        )
    }
}

@Suite struct ControlServerTests {
    private static func socketPath() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "c-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.appending(path: "control.sock").path
    }

    private func withServer(_ body: (ControlServer, String) async throws -> Void) async throws {
        let path = try Self.socketPath()
        let server = ControlServer(backend: Mirror(), group: MultiThreadedEventLoopGroup.singleton)
        try await server.listen(socket: path)
        try await body(server, path)
        await server.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
        try FileManager.default.removeItem(at: URL(fileURLWithPath: path).deletingLastPathComponent())
    }

    @Test func `a request keeps its segments, its query and its body over the socket`() async throws {
        try await withServer { _, path in
            let request = ControlRequest(
                method: "POST",
                path: ["api", "v1", "a/b ф"],
                query: ["from": "+7495 1&2", "empty": ""],
                body: Array(repeating: 7, count: 100_000)
            )
            let reply = try await ControlClient(socketPath: path).send(request)
            #expect(reply.status == 200)
            let seen = try JSONDecoder().decode(Mirror.Seen.self, from: Data(reply.body))
            let expected = Mirror.Seen(
                method: "POST",
                path: request.path,
                query: request.query,
                body: 100_000,
                // The kernel's word on who holds the other end.
                peer: "\(ControlRequest.Peer.process(userID: getuid()))"
            )
            #expect(seen == expected)
        }
    }

    @Test func `a folder of data may have a path that is longer than a socket's`() async throws {
        let folder = URL(fileURLWithPath: try Self.socketPath()).deletingLastPathComponent()
        let deep = folder.appending(path: String(repeating: "d", count: 150))
        try FileManager.default.createDirectory(at: deep, withIntermediateDirectories: true)
        let path = deep.appending(path: "control.sock").path
        let server = ControlServer(backend: Mirror(), group: MultiThreadedEventLoopGroup.singleton)
        try await server.listen(socket: path)
        #expect(await ControlClient(socketPath: path).isAnswered())
        #expect(try await ControlClient(socketPath: path).send(ControlRequest(path: ["x"])).status == 200)
        await server.stop()
        await #expect(throws: ControlClient.Fault.notRunning(path)) {
            try await ControlClient(socketPath: path).send(ControlRequest(path: ["x"]))
        }
        try FileManager.default.removeItem(at: folder)
    }

    @Test func `the socket is its owner's alone`() async throws {
        try await withServer { _, path in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `a second switch on the same folder is refused, and a dead one's socket is taken over`() async throws {
        try await withServer { _, path in
            let second = ControlServer(backend: Mirror(), group: MultiThreadedEventLoopGroup.singleton)
            await #expect(throws: ControlServer.Fault.alreadyServed(path)) { try await second.listen(socket: path) }
        }
        let path = try Self.socketPath()
        try Data().write(to: URL(fileURLWithPath: path))
        let server = ControlServer(backend: Mirror(), group: MultiThreadedEventLoopGroup.singleton)
        try await server.listen(socket: path)
        #expect(try await ControlClient(socketPath: path).send(ControlRequest(path: ["x"])).status == 200)
        await server.stop()
    }

    @Test(arguments: [true, false])
    func `one that reads for long is waited for as long as it lives, and one that hangs is said to`(
        isDeaf: Bool
    ) async throws {
        let path = try Self.socketPath()
        let server = ControlServer(backend: Mirror(isDeaf: isDeaf), group: MultiThreadedEventLoopGroup.singleton)
        try await server.listen(socket: path)
        let fault = await #expect(throws: ControlClient.Fault.self) {
            let patience = (long: Duration.milliseconds(2_000), short: Duration.milliseconds(1_000))
            _ = try await ControlClient(socketPath: path).send(
                ControlRequest(path: ["hang"]),
                within: patience.long,
                alive: patience.short
            )
        }
        #expect(fault == (isDeaf ? .silent(.seconds(1), isAlive: false) : .silent(.seconds(2), isAlive: true)))
        await server.stop()
    }

    @Test func `nobody there is said as such`() async throws {
        let path = try Self.socketPath()
        await #expect(throws: ControlClient.Fault.notRunning(path)) {
            try await ControlClient(socketPath: path).send(ControlRequest(path: ["x"]))
        }
    }

    @Test func `a request that comes in drop by drop is not waited for`() async throws {
        let path = try Self.socketPath()
        let server = ControlServer(
            backend: Mirror(),
            group: MultiThreadedEventLoopGroup.singleton,
            patience: .milliseconds(600)
        )
        try await server.listen(socket: path)
        for beginning in ["GET /x HT", "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nab", ""] {
            let closed = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path).get()
            channel.closeFuture.cascade(to: closed)
            // On a busy machine the server may be tired of waiting before anything is written.
            channel.writeAndFlush(ByteBuffer(string: beginning), promise: nil)
            let drip = channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(100)) { _ in
                channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
            }
            try await closed.futureResult.get()
            drip.cancel()
        }
        await server.stop()
    }

    @Test func `whoever follows and whoever says nothing keeps nobody from an answer`() async throws {
        let path = try Self.socketPath()
        let group = MultiThreadedEventLoopGroup.singleton
        let server = ControlServer(backend: Mirror(), group: group, mostConnections: 2)
        try await server.listen(socket: path)
        func connect(_ text: String) async throws -> (channel: any Channel, heard: AsyncStream<String>) {
            let (heard, voice) = AsyncStream<String>.makeStream()
            let channel = try await ClientBootstrap(group: group)
                .channelInitializer { $0.pipeline.addHandler(Listener(voice)) }
                .connect(unixDomainSocketPath: path).get()
            try await channel.writeAndFlush(ByteBuffer(string: text))
            return (channel, heard)
        }
        func first(_ heard: AsyncStream<String>, with mark: String) async -> String {
            var all = ""
            for await text in heard {
                all += text
                if all.contains(mark) { break }
            }
            return all
        }
        let follow = "GET /follow HTTP/1.1\r\nhost: a\r\n\r\n"
        var open: [any Channel] = []
        for _ in 0..<2 {
            let (channel, heard) = try await connect(follow)
            #expect(await first(heard, with: "retry: 2000").contains("200 OK"))
            open.append(channel)
        }
        // Nobody has to wait until one of these is tired.
        let idle = try await connect("GET /x HT")
        open += [try await connect("GET /x HT").channel, try await connect("GET /x HT").channel]
        #expect(await first(idle.heard, with: "never").isEmpty)
        #expect(try await ControlClient(socketPath: path).send(ControlRequest(path: ["readyz"])).status == 200)
        let (late, heard) = try await connect(follow)
        #expect(await first(heard, with: "too-many-requests").contains("503"))
        // Whose place is free again.
        try await open[0].close()
        var isFollowing = false
        for _ in 0..<100 where !isFollowing {
            let (channel, heard) = try await connect(follow)
            isFollowing = await first(heard, with: "\r\n\r\n").contains("200 OK")
            open.append(channel)
        }
        #expect(isFollowing)
        for channel in open + [late] { channel.close(promise: nil) }
        await server.stop()
    }

    @Test func `names that are ours are told from those that lead to us`() {
        let names = OwnNames(["PBX.example.com"])
        for own in [
            "127.0.0.1:8060", "[::1]:8060", "192.0.2.7", "localhost:1", "LOCALHOST", "pbx.example.com",
            "pbx.example.com.:80",
        ] { #expect(names.contain(authority: own), "\(own)") }
        for foreign in ["evil.example", "127.0.0.1.evil.example:8060", "localhost.evil.example", "", "[::1", "1.2.3"] {
            #expect(!names.contain(authority: foreign), "\(foreign)")
        }
        // HTTP/1.0 may name nobody.
        #expect(names.contain(authority: nil))
        #expect(names.isConfigured("pbx.Example.com") && !names.isConfigured("localhost"))
    }

    @Test func `over TCP the same answers come, and are not local`() async throws {
        try await withServer { server, _ in
            let port = try await server.listen(host: "127.0.0.1", port: 0)
            #expect(port != 0)
            let url = try #require(URL(string: "http://127.0.0.1:\(port)/fail?x=1"))
            let output = Pipe()
            let curl = Process()
            curl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            curl.arguments = ["curl", "-s", "-w", " %{http_code}", url.absoluteString]
            curl.standardOutput = output
            // Not by waiting for it here: the answer needs the threads that tests run on.
            try await withCheckedThrowingContinuation { (end: CheckedContinuation<Void, any Error>) in
                curl.terminationHandler = { _ in end.resume() }
                do { try curl.run() } catch { end.resume(throwing: error) }
            }
            let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            #expect(text == #"{"error":{"code":"c","mend":"m","what":"w"}} 409"#)
        }
    }
}

/// Tells what comes in.
private final class Listener: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let voice: AsyncStream<String>.Continuation
    init(_ voice: AsyncStream<String>.Continuation) { self.voice = voice }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        voice.yield(String(buffer: unwrapInboundIn(data)))
    }

    func channelInactive(context: ChannelHandlerContext) { voice.finish() }
}
