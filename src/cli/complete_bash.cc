// Completion in bash: a table of `COMMAND FLAG` pairs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "cli/complete.h"
#include "cli/help.h"

namespace sts::cli {
namespace {

struct Table {
  std::string words;                           // case lines: what may stand after a command
  std::map<std::string, std::string> actions;  // what completes a value: the patterns it is for
};

std::string bash_action(const ValueHelp& value) {
  switch (value.kind) {
    case Value::file:
    case Value::path:
      return "_sts_files -f";
    case Value::directory:
      return "_sts_files -d";
    case Value::peer:
      return "_sts_words \"first-use $(_sts_peers)\"";
    case Value::profile:
      return "_sts_words \"$(_sts_profiles)\"";
    case Value::words:
      return fmt::format("_sts_words '{}'", value.words);
    case Value::text:
    case Value::number:
      return ":";  // nobody knows it
    case Value::nothing:
      break;
  }
  return "";
}

void add(const CLI::App& command, const std::string& path, Table& table) {
  std::string words;
  for (const auto* below : command.get_subcommands({})) {
    words += below->get_name() + ' ';
    add(*below, path.empty() ? below->get_name() : path + ' ' + below->get_name(), table);
  }
  for (const auto* flag : flags_of(command)) {
    for (const auto& name : names_of(*flag)) {
      words += name + ' ';
      const auto what = bash_action(value_of(*flag));
      if (what.empty()) continue;
      auto& patterns = table.actions[what];
      patterns += fmt::format("{}'{} {}'", patterns.empty() ? "" : "|", path, name);
    }
  }
  words.pop_back();
  table.words += fmt::format("    '{}') _sts_words '{}' ;;\n", path, words);
}

constexpr auto bash_helpers = R"sh(# Completion of sts(1) in bash.
_sts_words() { COMPREPLY=($(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}")); }
_sts_files() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "${COMP_WORDS[COMP_CWORD]}"))
}
_sts_peers() { sts peer list 2>/dev/null | cut -d ' ' -f 1; }
_sts_profiles() {
  ls "${STS_HOME:-${XDG_CONFIG_HOME:-$HOME/.config}/sts}/profiles" 2>/dev/null
}
_sts() {
  local IFS=$' \t\n' path=
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then path=${COMP_WORDS[1]}; fi
  case $path in key|peer|outbox) if ((COMP_CWORD > 2)); then path+=" ${COMP_WORDS[2]}"; fi ;; esac
  case "$path ${COMP_WORDS[COMP_CWORD-1]}" in
    'peer remove remove'|'peer allow allow'|'peer deny deny'|'peer reset reset') _sts_words "$(_sts_peers)"; return ;;
)sh";

}  // namespace

std::string bash_completion(const CLI::App& app) {
  Table table;
  add(app, "", table);
  std::string out = bash_helpers;
  for (const auto& [what, patterns] : table.actions) {
    out += fmt::format("    {})\n      {}; return ;;\n", patterns, what);
  }
  return out + "  esac\n  case $path in\n" + table.words + "  esac\n}\ncomplete -F _sts sts\n";
}

}  // namespace sts::cli
