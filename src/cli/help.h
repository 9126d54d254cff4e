// The help of all commands: what is used every day on one screen, the rest with --help-all.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sts::cli {

/// Of `app` and all commands below it, which must be there already.
void shape_help(CLI::App& app);

/// What a flag takes, as completion needs to know.
enum class Value { nothing, text, number, file, directory, path, peer, profile, words };

struct ValueHelp {
  Value kind;
  std::string_view name;   // for a manual; empty where there is none
  std::string_view words;  // with Value::words, separated by blanks
};

/// Of one flag of one command.
ValueHelp value_of(const CLI::Option& option);

/// "-t" and "--topic", the short one first.
std::vector<std::string> names_of(const CLI::Option& option);

/// Those of `command` that are flags, in their order.
std::vector<const CLI::Option*> flags_of(const CLI::App& command);

}  // namespace sts::cli
