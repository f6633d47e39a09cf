import Config
import DialPlan
import Events
import Media

/// What calls need of the world around them: media ports, and ways to whom they ring.
extension CallCore {
    func openPort(for leg: LegID, near: MediaPort?, isV6: Bool) -> MediaPort? {
        do throws(MediaRefusal) {
            let port = try media.open(near: near?.id, isV6: isV6)
            ports[port.id] = leg
            lacksPorts = false
            return port
        } catch {
            lacksPorts = true
            log(.error, "no media port: \(error)", call: leg.call)
            return nil
        }
    }

    func reach(_ target: DialTarget, of tenant: Tenant) -> Reach {
        surroundings?.reach(target, of: tenant)
            ?? .unreachable(.failed, status: 503, retryAfter: nil, why: "the switch is stopping")
    }

    func phones(of extension: String, of tenant: Tenant) -> Reach {
        surroundings?.phones(of: `extension`, of: tenant)
            ?? .unreachable(.failed, status: 503, retryAfter: nil, why: "the switch is stopping")
    }

    func closePort(_ id: MediaID) { media.perform(.close(id)) }

    /// Closes a port that came to serve no leg: what it reports is nobody's, and another leg may take the number of the one that
    /// it was opened for.
    func giveUpPort(_ id: MediaID) {
        ports[id] = nil
        closePort(id)
    }
}
