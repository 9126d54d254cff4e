#include "shell/completion.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

void complete_names(const std::vector<Command>& commands, std::string_view typed,
                    Completions& out) {
  for (const Command& command : commands) {
    if (command.name.substr(0, typed.size()) == typed) out.candidates.emplace_back(command.name);
  }
}

void complete_words(std::vector<std::string> words, std::string_view typed, Completions& out) {
  for (auto& word : words) {
    if (word.starts_with(typed) && printable(word) == word)
      out.candidates.push_back(std::move(word));
  }
}

void complete_path(std::string_view typed, Completions& out) {
  const auto slash = typed.rfind('/');
  const std::string_view shown = slash == std::string_view::npos ? "" : typed.substr(0, slash + 1);
  const std::string_view name = typed.substr(shown.size());
  const std::filesystem::path directory = shown.empty() ? "." : expand_home(shown);

  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::string found = entry->path().filename().string();
    if (found.compare(0, name.size(), name) != 0 || printable(found) != found) continue;
    if (found.front() == '.' && name.empty()) continue;
    std::error_code ignored;
    if (entry->is_directory(ignored)) found += '/';
    out.candidates.push_back(std::string(shown) + found);
  }
}

}  // namespace

Completions complete(Shell& shell, std::string_view line) {
  const auto& commands = shell.commands();
  Completions out;
  out.word = std::min(line.find_first_not_of(" \t"), line.size());
  const auto blank = line.find_first_of(" \t", out.word);
  if (blank == std::string_view::npos) {
    complete_names(commands, line.substr(out.word), out);
    if (out.candidates.size() == 1) {
      const Command* command = find_command(commands, out.candidates.front());
      if (!command->arguments.empty()) out.suffix = " ";
    }
  } else if (const Command* command =
                 find_command(commands, line.substr(out.word, blank - out.word))) {
    out.word = std::min(line.find_first_not_of(" \t", blank), line.size());
    const std::string_view typed = line.substr(out.word);
    if (command->completion == Completion::command) complete_names(commands, typed, out);
    if (command->completion == Completion::path) complete_path(typed, out);
    if (command->words) complete_words(command->words(shell), typed, out);
  }
  std::sort(out.candidates.begin(), out.candidates.end());
  return out;
}

std::string expand_home(std::string_view path) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || path.substr(0, 2) != "~/") return std::string(path);
  return home + std::string(path.substr(1));
}

}  // namespace sts::shell
