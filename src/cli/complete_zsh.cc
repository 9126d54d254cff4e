// Completion in zsh: an _arguments call a command.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/complete.h"
#include "cli/help.h"

namespace sts::cli {
namespace {

/// Inside of single quotes, and of a specification of _arguments or _describe.
std::string in_quotes(std::string_view plain) {
  std::string out;
  for (const char c : plain) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const ValueHelp& value) {
  switch (value.kind) {
    case Value::file:
    case Value::path:
      return "_files";
    case Value::directory:
      return "_files -/";
    case Value::peer:
      return "_sts_peers";
    case Value::profile:
      return "_sts_profiles";
    case Value::words:
      return fmt::format("({})", in_quotes(value.words));
    case Value::text:
    case Value::number:
    case Value::nothing:
      break;
  }
  return "";
}

std::string argument(const CLI::Option& flag) {
  const auto value = value_of(flag);
  const auto text = in_quotes(flag.get_description());
  std::string out;
  for (const auto& name : names_of(flag)) {
    out += fmt::format(" \\\n      '*{}[{}]", name, text);
    if (value.kind != Value::nothing) {
      out += fmt::format(":{}:{}", in_quotes(value.name), zsh_action(value));
    }
    out += '\'';
  }
  return out;
}

std::string arguments(const CLI::App& command) {
  std::string out = "_arguments -s";
  for (const auto* flag : flags_of(command)) out += argument(*flag);
  const auto& name = command.get_name();
  if (name == "remove" || name == "allow" || name == "deny" || name == "reset") {
    out += " \\\n      '1:peer:_sts_peers'";
  }
  return out;
}

/// A choice of the subcommands of `app`, then what each takes.
std::string choice(const CLI::App& app, int level) {
  const std::string in(static_cast<std::size_t>(level) * 2, ' ');
  std::string list;
  std::string cases;
  for (const auto* command : app.get_subcommands({})) {
    list += fmt::format(" '{}:{}'", command->get_name(), in_quotes(command->get_description()));
    const bool deeper = !command->get_subcommands({}).empty();
    cases += fmt::format("{}  {}) {}", in, command->get_name(),
                         deeper ? "shift words; (( CURRENT-- ))\n" + choice(*command, level + 1)
                                : "shift words; (( CURRENT-- )); " + arguments(*command));
    cases += " ;;\n";
  }
  return fmt::format(
      "{0}if (( CURRENT == 2 )); then\n{0}  commands=({1})\n"
      "{0}  _describe command commands\n{0}else case $words[2] in\n{2}{0}esac; fi",
      in, list, cases);
}

constexpr auto zsh_head = R"sh(#compdef sts
# Completion of sts(1) in zsh.
_sts_peers() { compadd -- first-use ${(f)"$(sts peer list 2>/dev/null | cut -d ' ' -f 1)"} }
_sts_profiles() {
  _path_files -W "${STS_HOME:-${XDG_CONFIG_HOME:-$HOME/.config}/sts}/profiles"
}
_sts() {
  local -a commands
)sh";

}  // namespace

std::string zsh_completion(const CLI::App& app) {
  return zsh_head + choice(app, 1) + "\n}\n_sts \"$@\"\n";
}

}  // namespace sts::cli
