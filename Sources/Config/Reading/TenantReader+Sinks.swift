/// Where a tenant's call records go.
extension TenantReader {
    func readSinks(_ value: YAMLValue) -> [CDRSink] {
        var sinks: [CDRSink] = []
        for item in value.sequence("cdr_sinks") {
            guard let sink = readSink(item) else { continue }
            if sinks.contains(where: { $0.name == sink.name }) {
                item.fault(.duplicate, "the sink '\(sink.name)' is given twice", mend: "choose another name")
            } else if sinks.contains(where: { $0.target == sink.target }) {
                item.fault(.duplicate, "another sink has \(sink.shown) already", mend: "remove one")
            } else {
                sinks.append(sink)
            }
        }
        return sinks
    }

    private func readSink(_ item: YAMLValue) -> CDRSink? {
        guard var mapping = item.mapping("a sink") else { return nil }
        defer { mapping.finish("a sink") }
        let name = mapping.require("name", of: "a sink").flatMap(readSinkName)
        let (url, file) = (mapping.take("url"), mapping.take("file"))
        let timeout = mapping.take("timeout")
        let duration = timeout?.positiveDuration("timeout")
        let target: CDRSink.Target?
        switch (url, file) {
        case (let url?, nil): target = readSinkURL(url)
        case (nil, let file?):
            timeout?.fault(.badValue, "a file has no timeout", mend: "remove it")
            target = readSinkFile(file)
        case (nil, nil):
            target = nil
            item.fault(.missingKey, "the sink leads nowhere", mend: "add `url:`, or `file:`")
        case (.some, let file?):
            target = nil
            file.fault(.duplicate, "the sink has a url and a file", mend: "make two sinks of it")
        }
        guard let name, let target else { return nil }
        var sink = CDRSink(name: name, target: target)
        if let duration { sink.timeout = duration }
        return sink
    }

    private func readSinkName(_ value: YAMLValue) -> String? {
        guard let name = value.string("name") else { return nil }
        if isFileName(name) { return name }
        value.fault(
            .badValue,
            "'\(name)' is no name for a sink",
            mend: "use letters, digits, '-', '_' and '.', up to 64"
        )
        return nil
    }

    private func readSinkURL(_ value: YAMLValue) -> CDRSink.Target? {
        guard let url = value.string("url") else { return nil }
        let isWritten = url.utf8.allSatisfy { (33...126).contains($0) }
        if isWritten, let authority = URLAuthority(of: url), authority.isSound { return .url(url) }
        // What is wrong with it may be a password.
        value.fault(.badValue, "the url is none", mend: "write http:// or https://, a host and a path, without blanks")
        return nil
    }

    /// No path: who writes a tenant's file may not write all over the machine.
    private func readSinkFile(_ value: YAMLValue) -> CDRSink.Target? {
        guard let name = value.string("file") else { return nil }
        let isTaken = name.hasPrefix("cdr.sqlite") || CDRSink.takenNames.contains(name)
        if isFileName(name), !isTaken { return .file(name) }
        value.fault(
            .badValue,
            "'\(name)' is no file for records",
            mend: "write a name such as calls.jsonl: the file is in the tenant's folder of data"
        )
        return nil
    }

    private func isFileName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(Self.isNameOctet) && !name.hasPrefix(".")
    }
}
