import ControlAPI
import Engine
public import Events
import Foundation
import Glibc
import Records

extension AuditedAct.Actor {
    /// Who sent a request of the control interface.
    init(_ peer: ControlRequest.Peer) {
        switch peer {
        case .process(let user): self.init(.controlSocket, user.map { Self.name(ofUser: $0) } ?? "unknown user")
        case .address(let address): self.init(.http, address)
        }
    }

    /// Whoever runs this process.
    public static var commandLine: Self { Self(.commandLine, name(ofUser: getuid())) }

    /// `anna (uid 1000)`.
    private static func name(ofUser id: UInt32) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4_096)
        guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name else {
            return "uid \(id)"
        }
        return "\(String(cString: name)) (uid \(id))"
    }
}

extension AuditedAct {
    /// `tenant`: whose it was asked to be, if anybody's.
    func refused(_ error: any Error, tenant name: String?) -> AuditedAct {
        var act = self
        (act.tenant, act.outcome) = (name.map { TenantID($0) }, .refused)
        act.detail = (error as? Engine.Refusal)?.what ?? "\(error.inWords)"
        return act
    }
}
