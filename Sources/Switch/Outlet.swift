import Engine
import Events
import Foundation
import NIOCore
import NIOPosix
import NetAddress
import Records
import SIP
import SignallingIO

/// Carries out what the engine asks of the world. Lives on the core's loop.
final class Outlet: EngineOutlet {
    private let loop: any EventLoop
    private let log: LogSink
    private let resolver: NameResolver
    private let registrations: RegistrationWriter
    weak var sockets: SignallingSockets?
    /// Where answers of the resolver go.
    weak var core: Core?

    init(loop: any EventLoop, log: LogSink, resolver: NameResolver, registrations: RegistrationWriter) {
        (self.loop, self.log, self.resolver, self.registrations) = (loop, log, resolver, registrations)
    }

    func transmit(_ bytes: [UInt8], over flow: Flow) { sockets?.send(bytes, over: flow) }

    func resolve(host: String) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        resolver.addresses(of: host, on: loop).whenComplete { result in
            bound.value.core?.resolved(host, (try? result.get()) ?? [])
        }
    }

    func store(_ change: RegistrationChange) { registrations.add(change) }

    func log(_ level: LogLevel, _ text: String, call: CallID?) { log.log(level, text, call: call) }
}
