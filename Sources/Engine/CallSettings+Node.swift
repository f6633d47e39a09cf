import Calls
import Config
import SIP

extension CallSettings {
    init(_ node: NodeConfiguration) {
        let session = SessionSettings(
            timers: SIPTimers(t1: node.timers.t1, t2: node.timers.t2, t4: node.timers.t4),
            sessionExpires: node.sessionExpires,
            minimumExpires: node.minimumSessionExpires
        )
        self.init(
            session: session,
            codecs: node.codecs,
            rtpTimeout: node.rtpTimeout,
            maximumDuration: node.maximumDuration,
            maximumHold: node.maximumHold
        )
    }
}

extension RegistrarLimits {
    init(_ node: NodeConfiguration) { self = node.registrations }
}
