import DialPlan

/// Where a tenant's call records go besides the tenant's own file, each once its call is over.
public struct CDRSink: Equatable, Sendable {
    public enum Target: Equatable, Sendable {
        /// `http://…` or `https://…`, to which records are posted; it may hold a user and a password.
        case url(String)
        /// The name of a file in the tenant's folder of data, which gets a line for each record.
        case file(String)
    }

    public var name: String
    public var target: Target
    /// How long a URL may take for one answer.
    public var timeout: Duration = .seconds(10)

    /// What else the switch keeps in the tenant's folder of data, beside `cdr.sqlite` and its logs.
    static let takenNames: Set = ["recordings", "set-aside.jsonl"]

    public init(name: String, target: Target) { (self.name, self.target) = (name, target) }

    /// Where it leads, for logs and listings: a URL without the user and the password in it.
    public var shown: String {
        switch target {
        case .file(let name): name
        case .url(let url): url.withoutUserInfo
        }
    }
}
