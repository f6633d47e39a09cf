import ACD
import Config
import DialPlan
import Events
import Media
import SDP
import SIP
import SIPMessage
import Timebase

extension Call {
    /// What the call is going through.
    enum Stage {
        /// The plan decides; nothing is awaited.
        case deciding
        /// The caller's answer waits for its record to be on disk, or for the ACK of a late offer.
        case answering
        case dialing(Dial)
        case echoing
        /// Prompts are played, and the plan goes on when they are over.
        case telling
        /// Keys are taken down.
        case asking(Asking)
        /// Waits for an agent.
        case queued(QueueStay)
        /// An agent answered, and is told whose call it is before he is connected.
        case introducing(Int)
        /// Somebody outside is asked what to do next.
        case consulting
        /// Connected to the leg with this index.
        case talking(Int)
        /// The caller is in somebody else's talk (`supervisedCall`).
        case supervising
        /// Waits in a slot for somebody to dial it.
        case parked(Parking)
        /// The caller, connected already, hears why the call failed.
        case sounding(HangupCause)
        case ending(CallEnded, at: Moment)
    }

    /// One `dial` step under way.
    struct Dial {
        var request: DialRequest
        var attempts: [Int] = []
        /// The best of what came back so far (RFC 3261 §16.7 step 6).
        var best: (outcome: DialOutcome, rejection: Rejection)?
        /// Of each 3xx that is being followed.
        var searches: [Search] = []
        /// The plans that 3xx led into: they go on when this dial has reached nobody.
        var onward: [Onward] = []
        /// How long it may ring after the first sign of life was waited for; nil: no other would be tried.
        var rest: Duration?
        /// Whose early media the caller hears.
        var early: Int?
        var announced: Set<Int> = []
    }

    /// Where a 3xx led to: those of the highest `q` are rung, the others when these are over.
    struct Search {
        var ringing: [Int] = []
        var later: [[Redirect]]
    }

    /// One way that a 3xx leads, and what is told there of how the call came.
    struct Redirect {
        var request: DialRequest
        /// nil: found when its turn comes, as a place of a trunk is taken with it.
        var routes: [TargetRoute]?
        var history: DiversionHistory
    }

    /// The dial plan that a user's 3xx leads into, as if that user had dialled the number.
    struct Onward {
        var run: PlanRun
        /// What the plan wants first; nil: to ring somebody, who is rung by the dial that the 3xx came to.
        var first: Instruction?
        /// How the call came there.
        var history: DiversionHistory
    }

    /// Plans that 3xx led into have the call, while nobody has taken it.
    struct Detour {
        /// Whose dial was sent elsewhere, and how the call had come there: it goes on when nobody is reached.
        let plan: PlanRun
        let history: DiversionHistory
        var later: [Onward]
    }

    /// Keys that are being taken down.
    struct Asking {
        var ask: Ask
        var keys = ""
        var isPlaying = true
    }

    /// One stay in a queue.
    struct QueueStay {
        var queue: QueueID
        var entered: Moment
        /// The legs that ring for each agent.
        var ringing: [UserID: [Int]] = [:]
        /// How often each agent's phones sent the call elsewhere (3xx) since they were last rung.
        var redirects: [UserID: Int] = [:]
        /// What is said in the place of the music lasts so long.
        var announcementEnds: Instant?
        /// What is said after it.
        var announcements: [(subject: Subject, clips: [PromptClip])] = []

        enum Subject {
            case place(Int, expectedWait: Duration?)
            case message(String)

            /// The newer of two says all.
            func isLike(_ other: Subject) -> Bool {
                switch (self, other) {
                case (.place, .place): true
                case (.message(let one), .message(let two)): one == two
                case (.place, .message), (.message, .place): false
                }
            }
        }
    }

    /// A queue's agent in this call.
    struct Service {
        let queue: QueueID
        let agent: UserID
        /// Where he is heard: the other party may be led by the plan, or he, as whoever called him may hand him on.
        var leg: Int
        /// nil: the caller did not wait for him here (a call-back, or a party that came from another call).
        var answer: QueueAnswer?
    }

    /// How a caller stood when an agent answered: what he goes back to when that one is gone before they have spoken.
    struct QueueAnswer {
        /// When the two were brought together: after a whisper, later than the answer.
        var connected: Instant
        /// The stay that the answer ended.
        let entered: Moment
        /// In queues before that one.
        let waitedBefore: Duration
        let hadSpoken: Bool
    }

    /// A final answer to the caller that waits until the call's start is on disk.
    enum HeldAnswer {
        case accept([UInt8]?)
        case reject(Int, [(HeaderName, String)])
    }

    /// New media that one leg asks for and the other is asked about (RFC 3264 §8 through a B2BUA).
    struct Relayed {
        var from: Int
        var to: Int
        /// nil: an offer was asked for.
        var offer: SessionDescription?
        /// The offer as the other leg was given it.
        var relayedOffer: SessionDescription?
        /// What we described to whoever asked for an offer, until that is answered.
        var earlierLocal: SessionDescription?
    }
}

enum CallTimer: Hashable, Sendable {
    case recordGrace, dialTimeout, maximumDuration, toneEnds
    /// Nobody answered the caller within what his INVITE's Expires says.
    case invitationExpires
    /// No key came in time.
    case nextKey
    /// The queue's periodic message with this index is due.
    case message(Int)
    /// An announcement is over that others wait for.
    case announcement
    /// By now this agent's phones have given a sign of life, or nothing rings.
    case signOfLife(UserID)
    /// Keys that this leg told of by INFO are passed on unless they have come another way.
    case informedKeys(Int)
    /// Somebody is on hold for as long as one may be.
    case holdEnds
    /// Nobody has taken the party out of its slot.
    case parkEnds
    /// Whoever was called back has talked for so long that it counts.
    case calledBack
    /// A leg was busy with an offer when we had one for it: once more.
    case reoffer(Int)
    /// The call is over and its record waits for the last words of a leg.
    case linger

    /// Those that mean nothing any more when the call ends.
    static let ofLivingCalls = [
        dialTimeout, invitationExpires, maximumDuration, toneEnds, nextKey, announcement, holdEnds, parkEnds,
        calledBack,
    ]
}
