import Accounting
import ArgumentParser
import Config
import Console
import Events
import Foundation
import NetAddress
import Records
import SIP
import SoftPhone
import Switch
import Trace

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the switch, places a test call through it, shows what happened, and stays up for phones."
    )

    @OptionGroup var config: ConfigOption
    @Flag(name: .long, help: "End after the test call.") var once = false

    func run() async throws {
        let log = LogSink(format: .text, level: .warning)
        let signals = Signals()
        let node: Node
        do {
            node = try await Node(configurationFile: config.config, log: log)
        } catch {
            log.stop()
            throw Failure("\(error.inWords)")
        }
        say(await node.readyLine)
        let files = try config.files()
        let isDone = try await placeTestCall(files, over: await node.addresses)
        try await DemoFloor(files: files, addresses: await node.addresses, say: say).run()
        if !once {
            explain(files, addresses: await node.addresses)
            await node.run(until: signals.ends, readingAt: signals.hangups)
        }
        await node.drain(patience: .seconds(once ? 1 : 30), orUntil: signals.ends)
        withExtendedLifetime(signals) {}
        log.stop()
        if !isDone { throw ExitCode(1) }
    }

    /// Calls the echo test as the tenant's last user, and shows the ladder and the record. False when it did not come through.
    private func placeTestCall(_ files: ConfigurationFiles, over addresses: [String]) async throws -> Bool {
        let configuration = try files.configuration()
        guard let tenant = configuration.tenants.values.min(by: { $0.id < $1.id }),
            let user = tenant.users.values.max(by: { $0.number < $1.number }),
            let udp = addresses.first(where: { $0.hasPrefix("udp://") }), let server = SocketAddress(udp.dropFirst(6))
        else {
            say("no test call: the configuration has no user, or no udp:// address to listen on")
            return false
        }
        say("\nA test call: user \(user.number) dials 600, the echo test, and speaks a tone for two seconds …")
        let phone = try SoftPhone(
            server: server,
            domain: tenant.domains.first ?? tenant.realm,
            credentials: user.credentials
        )
        let outcome = phone.call("600", speaking: 2)
        let answer = outcome.status.map { "\($0) \(outcome.phrase)" } ?? "no answer"
        say(
            "\(answer); \(outcome.packetsSent) packets sent, \(outcome.packetsReceived) came back, "
                + "the tone was heard in \(outcome.packetsRecognised)"
        )
        try await showStory(files)
        return outcome.status == 200 && outcome.packetsRecognised > 0
    }

    private func showStory(_ files: ConfigurationFiles) async throws {
        let folder = RecordFolder(files.dataFolder)
        var query = CallQuery()
        query.limit = 1
        for _ in 0..<50 {
            if let record = try folder.calls(query, of: try folder.tenants).first, record.endedAt != nil,
                let trace = try folder.trace(of: record.callID)
            {
                say("\nIts ladder (gudok trace \(record.callID)):\n")
                say(Ladder(trace, width: Terminal.width).text)
                say("Its record (gudok cdr \(record.callID) --format json):\n")
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes, .sortedKeys]
                say(String(decoding: try encoder.encode(record), as: UTF8.self))
                return
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        say("its record is not on disk after five seconds; look into the log")
    }

    private func explain(_ files: ConfigurationFiles, addresses: [String]) {
        let place = addresses.first.map { String($0.drop { $0 != "/" }.dropFirst(2)) } ?? "127.0.0.1:5060"
        say(
            """

            The switch stays up. Register a softphone on this machine:
              server (domain, registrar, proxy)  \(place)
              user    1001, 1002 or 1003
              password  anna-demo-1, boris-demo-2 or vera-demo-3
            Then dial 600 to hear yourself, 1002 to ring the other one, 700 to wait in the queue, *45 to log in as an
            operator, and look on with (each takes --config \(config.config)):
              gudok calls --watch, gudok queues --watch, gudok agents --watch    what goes on
              gudok cdr, gudok trace last, gudok why last                        what happened
              gudok stats queues, gudok stats agents, gudok recordings           what it came to
            Ctrl-C ends it.
            """
        )
    }

    /// The switch goes on when nobody reads along any more.
    private func say(_ text: String) { try? Output.write(text + "\n") }
}
