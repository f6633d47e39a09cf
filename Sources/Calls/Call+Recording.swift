import Events
import Media
import Timebase

/// A recording under way.
struct CallRecording {
    var id: String
    var isPaused = false
}

extension Call {
    func startRecording(policy: String) { publish(.note("recording is not built yet (\(policy))")) }
    func stopRecording() {}
}
