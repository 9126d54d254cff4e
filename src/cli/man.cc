#include "cli/man.h"

#include <CLI/CLI.hpp>
#include <string_view>

#include "cli/help.h"

namespace sts::cli {
namespace {

constexpr std::string_view place = "@FLAGS@\n";

/// Text as mdoc takes it: nothing in it is a request or an escape.
std::string text(std::string_view plain) {
  std::string out;
  if (plain.starts_with('.') || plain.starts_with('\'')) out += "\\&";
  for (const char c : plain) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string item(const CLI::Option& option) {
  std::string out = ".It";
  const auto names = names_of(option);
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += (i == 0 ? " Fl " : " , Fl ") + text(names[i].substr(1));
  }
  if (const auto value = value_of(option); !value.name.empty()) {
    out += " Ar " + text(value.name);
  }
  // As it is: it may begin with what is to be typed.
  return out + '\n' + text(option.get_description()) + '\n';
}

}  // namespace

Result<std::string> manual(const CLI::App& command, const std::string& prose) {
  const auto at = prose.find(place);
  if (at == std::string::npos) return fail(Errc::bad_input, "no line @FLAGS@");
  std::string flags;
  for (const auto& group : command.get_groups()) {
    const auto options = command.get_options([&](const CLI::Option* it) {
      return it->get_group() == group && it->nonpositional() && !group.empty();
    });
    if (options.empty()) continue;
    if (group != "Options") flags += ".Ss " + text(group) + '\n';
    flags += ".Bl -tag -width Ds\n";
    for (const auto* option : options) flags += item(*option);
    flags += ".El\n";
  }
  return prose.substr(0, at) + flags + prose.substr(at + place.size());
}

}  // namespace sts::cli
