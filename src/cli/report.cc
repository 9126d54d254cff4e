#include "cli/report.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace sts::cli {
namespace {

/// `app` and the subcommands that were met below it, the innermost last.
std::vector<const CLI::App*> met(const CLI::App& app) {
  std::vector<const CLI::App*> apps{&app};
  while (!apps.back()->get_subcommands().empty()) {
    apps.push_back(apps.back()->get_subcommands().front());
  }
  return apps;
}

/// What there is for flags of mosquitto_pub and mosquitto_sub that sts doesn't have.
constexpr std::pair<std::string_view, const char*> replacements[] = {
    {"-d", "leave it out: warnings and errors are always shown"},
    {"--debug", "leave it out: warnings and errors are always shown"},
    {"--quiet", "2>/dev/null hides warnings and errors"},
    {"-I", "-i ID is the whole id"},
    {"-M", "leave it out: there are bounds of its own"},
    {"--nodelay", "leave it out: it is always so"},
    {"-U", "leave it out: -t names all that is subscribed to"},
    {"-o", "--config FILE or --profile NAME"},
    {"--unix", "-h unix://PATH"},
    {"--psk", "--psk-from file:PATH: others can read the arguments"},
    {"--pretty", "--format json | jq ."},
    {"--remove-retained", "sts pub --plain -t TOPIC -r -n takes one away"},
};

std::string names(const std::vector<const CLI::App*>& apps, std::string_view between) {
  std::string text;
  for (const auto* app : apps) {
    if (!text.empty()) text += between;
    text += app->get_name();
  }
  return text;
}

}  // namespace

void show(const Error& error) {
  fmt::print(stderr, "error: {}\n", error.message);
  if (!error.hint.empty()) fmt::print(stderr, "hint: {}\n", error.hint);
}

void show(const client::Line& line) {
  if (line.level == client::Level::error) return show(Error{Errc::io, line.text, line.hint});
  if (line.level == client::Level::info && !line.relief) return;
  fmt::print(stderr, "{}{}\n", line.relief ? "" : "warning: ", line.text);
  if (!line.hint.empty()) fmt::print(stderr, "hint: {}\n", line.hint);
}

int report(const Result<void>& outcome) {
  auto ended = outcome;
  if (ended && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)) {
    ended = fail(Errc::io, fmt::format("cannot write the output: {}", std::strerror(errno)));
  }
  if (ended) return 0;
  show(ended.error());
  return ended.error().code == Errc::bad_input ? 2 : 1;
}

int report(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const auto apps = met(app);
  const auto command = names(apps, " ");
  const auto choices = names(apps.back()->get_subcommands([](const auto*) { return true; }), ", ");
  std::string message = error.what();
  if (const auto unexpected = app.remaining(true); !unexpected.empty()) {
    message = fmt::format("'{}' is not expected here", unexpected.front());
  } else if (!choices.empty() && error.get_name() == "RequiredError") {
    message = "a subcommand is missing";
  }
  std::string hint = fmt::format("'{} --help' tells more", command);
  if (apps.size() == 1) {
    hint = "the shell, which 'sts' alone opens, takes start, send and the rest; " + hint;
  } else if (!choices.empty()) {
    hint = fmt::format("one of {}; {}", choices, hint);
  }
  for (const auto& [flag, replacement] : replacements) {
    if (message.starts_with(fmt::format("'{}' ", flag)) && apps.size() == 2) {
      hint = replacement;
    }
  }
  show(Error{Errc::bad_input, fmt::format("{}: {}", command, message), hint});
  return 2;
}

}  // namespace sts::cli
