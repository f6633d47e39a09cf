import CLinuxIO
import Timebase

/// Both clocks of the machine. The only place that reads them for the core.
enum SystemClock {
    static func now() -> Moment {
        Moment(
            instant: Instant(nanoseconds: linux_io_now()),
            wall: WallTime(milliseconds: linux_io_wall_now() / 1_000_000)
        )
    }
}
