/// A page of metrics, each with its help and type.
struct MetricsPage {
    private(set) var text = ""

    mutating func counter(_ name: String, _ help: String, _ value: Double) { counters(name, help, [([], value)]) }

    mutating func counters(_ name: String, _ help: String, _ values: [([(String, String)], Double)]) {
        add(name, help, "counter", values)
    }

    mutating func gauge(_ name: String, _ help: String, _ values: [([(String, String)], Double)]) {
        add(name, help, "gauge", values)
    }

    private mutating func add(_ name: String, _ help: String, _ type: String, _ values: [([(String, String)], Double)])
    {
        text += "# HELP gudok_\(name) \(help)\n# TYPE gudok_\(name) \(type)\n"
        for (labels, value) in values.sorted(by: { "\($0.0)" < "\($1.0)" }) {
            let list = labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
            let number = value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
            text += "gudok_\(name)\(list.isEmpty ? "" : "{\(list)}") \(number)\n"
        }
    }

    private func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
