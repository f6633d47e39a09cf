// swift-tools-version:6.2
import PackageDescription

// A package of its own: the fuzzer's instrumentation stays out of everybody else's build. `make fuzz` runs it.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "gudok", path: "..")],
    targets: [
        .executableTarget(
            name: "ParserFuzz",
            dependencies: [.product(name: "Parsers", package: "gudok")],
            swiftSettings: [.unsafeFlags(["-parse-as-library", "-sanitize=fuzzer"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]
        )
    ],
    swiftLanguageModes: [.v6]
)
