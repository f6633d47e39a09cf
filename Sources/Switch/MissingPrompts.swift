public import Config
import DialPlan
import Foundation
import Prompts

extension ConfigurationFiles {
    /// The recordings that plans and queues name and that cannot be heard: nobody has made them in a language that they are wanted in, or
    /// their files cannot be read; and languages in which there are none at all.
    ///
    /// Whoever checks or applies is refused for them; a switch starts all the same and says so, as its prompts may come later.
    public func missingPrompts(in configuration: Configuration) -> [ConfigFault] {
        var shelf = PromptShelf(folders: [promptsFolder, PromptStore.shipped])
        var faults: Set<ConfigFault> = []
        for tenant in configuration.tenants.values {
            for language in tenant.allLanguages where !shelf.languages.contains(language.name) {
                faults.insert(shelf.unknown(language))
            }
            let languages = tenant.languages ?? shelf.languages
            for prompt in tenant.allPrompts {
                faults.formUnion(shelf.faults(of: prompt, in: prompt.language.map { [$0] } ?? languages))
            }
        }
        return faults.sorted()
    }
}

/// The folders of prompts, as the switch would load them: of one prompt in several the first counts that can be read.
private struct PromptShelf {
    private let folders: [URL]
    /// For each folder: its files by what prompts are looked for by.
    private let files: [[String: String]]
    /// Those that anything is recorded in, in order.
    let languages: [String]
    /// What was found in a file that was looked into; nil: it can be heard.
    private var inspected: [URL: PromptTrouble?] = [:]

    init(folders: [URL]) {
        self.folders = folders
        files = folders.map { folder in
            let found = PromptStore.files(below: folder).map { (String($0.dropLast(".wav".count)), $0) }
            return Dictionary(found) { first, _ in first }
        }
        let first = files.flatMap(\.keys).compactMap { key in key.firstIndex(of: "/").map { String(key[..<$0]) } }
        // Music is no language's.
        languages = Set(first + ["en"]).subtracting(["music"]).sorted()
    }

    func unknown(_ language: LanguageReference) -> ConfigFault {
        ConfigFault(
            file: language.file,
            position: language.position,
            code: .deadReference,
            problem: "there are no prompts in language '\(language.name)'",
            mend: "\(suggestion(for: language.name, among: languages)), or record some in "
                + "\(folders[0].lastPathComponent)/\(language.name) beside the plans"
        )
    }

    /// What is wrong with a prompt that may be wanted in any of these languages; it may be one that only some of them have.
    mutating func faults(of prompt: PromptReference, in languages: [String]) -> [ConfigFault] {
        var isHeard = false
        var faults: [ConfigFault] = []
        for language in languages {
            guard let (place, trouble) = find(prompt.name, in: language) else { continue }
            guard let trouble else {
                isHeard = true
                continue
            }
            faults.append(prompt.fault(.badValue, "\(place) cannot be heard: \(trouble.problem)", trouble.mend))
        }
        return isHeard || !faults.isEmpty ? faults : [missing(prompt, in: languages)]
    }

    private mutating func missing(_ prompt: PromptReference, in languages: [String]) -> ConfigFault {
        // Music is no language's.
        let folder = prompt.name.hasPrefix("music/") ? "" : "\(languages.first ?? "en")/"
        let record = "record it as \(folders[0].lastPathComponent)/\(folder)\(prompt.name).wav beside the plans"
        let others = self.languages.filter { find(prompt.name, in: $0) != nil }
        let problem = "there is no prompt '\(prompt.name)'"
        guard !others.isEmpty else { return prompt.fault(.deadReference, problem, record) }
        return prompt.fault(
            .deadReference,
            "\(problem) in language \(languages.joined(separator: " or ")), only in \(others.joined(separator: ", "))",
            "\(record), or write the `language` that is meant"
        )
    }

    /// The file that the switch would play, or would have but for its trouble; nil: there is none.
    private mutating func find(_ name: String, in language: String) -> (place: String, trouble: PromptTrouble?)? {
        for key in PromptStore.keys(of: name, in: language) {
            for (folder, files) in zip(folders, files) {
                guard let path = files[key] else { continue }
                let place =
                    folder == folders[0] ? "\(folder.lastPathComponent)/\(path)" : folder.appending(path: path).path
                return (place, look(into: folder.appending(path: path), isMusic: name.hasPrefix("music/")))
            }
        }
        return nil
    }

    private mutating func look(into file: URL, isMusic: Bool) -> PromptTrouble? {
        if let known = inspected[file] { return known }
        let found = PromptTrouble(of: file, isMusic: isMusic)
        inspected.updateValue(found, forKey: file)
        return found
    }
}

/// Why a file of a prompt is left out by the switch.
private struct PromptTrouble {
    var problem: String
    var mend: String

    /// nil: nothing is wrong with it.
    init?(of file: URL, isMusic: Bool) {
        do {
            guard let fault = try PromptHead.fault(of: file, isMusic: isMusic) else { return nil }
            (problem, mend) = (fault.problem, fault.mend)
        } catch {
            (problem, mend) = ("it cannot be read", "check its permissions")
        }
    }
}

extension PromptReference {
    fileprivate func fault(_ code: ConfigFault.Code, _ problem: String, _ mend: String) -> ConfigFault {
        ConfigFault(file: file, position: position, code: code, problem: problem, mend: mend)
    }
}

extension Tenant {
    /// All recordings that its file and its plans name.
    fileprivate var allPrompts: [PromptReference] {
        prompts
            + dialPlans.values.flatMap { plan in
                plan.allSteps.flatMap { step in
                    step.prompts.compactMap(\.constant).map {
                        PromptReference(name: $0, file: plan.file, position: step.place(of: $0))
                    }
                }
            }
    }

    /// All languages that its file and its plans name.
    fileprivate var allLanguages: [LanguageReference] {
        namedLanguages
            + dialPlans.values.flatMap { plan in
                plan.allSteps.flatMap { step in
                    step.languages.compactMap(\.constant).filter { !$0.isEmpty }.map {
                        LanguageReference(name: $0, file: plan.file, position: step.place(of: $0))
                    }
                }
            }
    }

    /// Those that its calls may be in: its own, and what plans give the variable `language`. nil: any, as a variable or a URL may tell.
    fileprivate var languages: [String]? {
        var languages = [language]
        for step in dialPlans.values.flatMap(\.allSteps) {
            if case .http = step.action { return nil }
            for value in step.languages {
                guard let constant = value.constant else { return nil }
                if !constant.isEmpty, !languages.contains(constant) { languages.append(constant) }
            }
        }
        return languages
    }
}
