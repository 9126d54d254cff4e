#include "cli/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

namespace sts::cli {
namespace {

using namespace std::string_view_literals;

/// Shown by --help; of the other groups, all but `rare`.
constexpr std::string_view common_connection[] = {
    "--host", "--port", "--username", "--password-from", "--tls", "--config",
};
constexpr std::string_view rare[] = {
    "--help",
    "--help-all",
    "--filter-out",
    "-E",
    "-R",
    "--retained-only",
    "--max-age",
    "--report",
    "--sign",
    "--heartbeat",
    "--enqueue-only",
    "--retain-as-published",
    "--store",
    "--exec",
    "--output",
    "--rotate-size",
    "--rotate-time",
    "--rotate-keep",
    "--return-topic",
    "--repeat",
    "--repeat-delay",
    "--timeout",
    "--null-message",
    "--stdin-file",
    "-N",
    "-e",
};
constexpr auto connection_group = "How to reach the broker"sv;
constexpr auto properties_group = "Properties (MQTT 5)"sv;

struct FlagValue {
  std::string_view flag;
  ValueHelp value;
};

constexpr FlagValue values[] = {
    {"--file", {Value::file, "file", ""}},
    {"--config", {Value::file, "file", ""}},
    {"--cafile", {Value::file, "file", ""}},
    {"--cert", {Value::file, "file", ""}},
    {"--key", {Value::file, "file", ""}},
    {"--psk-file", {Value::file, "file", ""}},
    {"--output", {Value::path, "path", ""}},
    {"--store", {Value::file, "file", ""}},
    {"--exec", {Value::text, "command", ""}},
    {"--capath", {Value::directory, "directory", ""}},
    {"--peer", {Value::peer, "peer", ""}},
    {"--profile", {Value::profile, "name", ""}},
    {"--qos", {Value::words, "qos", "0 1 2"}},
    {"--will-qos", {Value::words, "qos", "0 1 2"}},
    {"--protocol-version", {Value::words, "version", "5 3.1.1"}},
    {"--password-from", {Value::words, "source", "prompt file: env: fd: cred:"}},
    {"--keypass-from", {Value::words, "source", "prompt file: env: fd: cred:"}},
    {"--psk-from", {Value::words, "source", "prompt file: env: fd: cred:"}},
    {"--proxy-password-from", {Value::words, "source", "prompt file: env: fd: cred:"}},
    {"--topic", {Value::text, "topic", ""}},
    {"--response-topic", {Value::text, "topic", ""}},
    {"--return-topic", {Value::text, "topic", ""}},
    {"--will-topic", {Value::text, "topic", ""}},
    {"-e", {Value::text, "topic", ""}},
    {"--filter-out", {Value::text, "filter", ""}},
    {"--name", {Value::text, "name", ""}},
    {"--expires", {Value::text, "time", ""}},
    {"--reads", {Value::text, "filter", ""}},
    {"--writes", {Value::text, "filter", ""}},
    {"-F", {Value::text, "format", ""}},
    {"--host", {Value::text, "host", ""}},
    {"--url", {Value::text, "url", ""}},
    {"--id", {Value::text, "id", ""}},
    {"--username", {Value::text, "name", ""}},
    {"--pw", {Value::text, "password", ""}},
    {"--bind", {Value::text, "address", ""}},
    {"--dns", {Value::text, "address", ""}},
    {"--proxy", {Value::text, "proxy", ""}},
    {"--tls-name", {Value::text, "name", ""}},
    {"--tls-alpn", {Value::text, "list", ""}},
    {"--user-property", {Value::text, "name=value", ""}},
    {"--property", {Value::text, "publish name value", ""}},
    {"--port", {Value::number, "port", ""}},
    {"--keepalive", {Value::number, "seconds", ""}},
    {"--session-expiry", {Value::number, "seconds", ""}},
    {"--older-than", {Value::number, "seconds", ""}},
    {"--expiry", {Value::number, "seconds", ""}},
    {"--timeout", {Value::number, "seconds", ""}},
    {"--repeat-delay", {Value::number, "seconds", ""}},
    {"--rotate-time", {Value::number, "seconds", ""}},
    {"-W", {Value::number, "seconds", ""}},
};

bool among(const CLI::Option& option, auto& list) {
  const auto names = names_of(option);
  return std::ranges::any_of(
      list, [&](std::string_view flag) { return std::ranges::find(names, flag) != names.end(); });
}

bool is_common(const CLI::Option& option) {
  if (option.get_group() == connection_group) return among(option, common_connection);
  return option.get_group() != properties_group && !among(option, rare);
}

class Help final : public CLI::Formatter {
 public:
  Help() { column_width(28); }

 private:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    return make_description(app) + make_usage(app, std::move(name)) + make_positionals(app) +
           (mode == CLI::AppFormatMode::All ? all_flags(*app) : everyday_flags(*app)) +
           make_subcommands(app, CLI::AppFormatMode::Normal) + '\n' + make_footer(app);
  }

  /// Without headings and blank lines, of which a screen has few.
  std::string everyday_flags(const CLI::App& app) const {
    std::string text;
    std::size_t left_out = 0;
    for (const auto* flag : flags_of(app)) {
      if (is_common(*flag)) {
        text += make_option(flag, false);
      } else {
        ++left_out;
      }
    }
    if (app.get_help_all_ptr() != nullptr) {
      // One of a group, as `outbox flush`, has no page of its own.
      const bool of_group = app.get_parent()->get_parent() != nullptr;
      text += fmt::format("'--help-all' shows {} more; the manual is sts{}(1).\n", left_out,
                          of_group ? std::string() : "-" + app.get_name());
    }
    return text;
  }

  std::string all_flags(const CLI::App& app) const {
    std::string text;
    for (const auto& group : app.get_groups()) {
      const auto flags = app.get_options(
          [&](const CLI::Option* it) { return it->get_group() == group && it->nonpositional(); });
      if (!flags.empty() && !group.empty()) text += make_group(group, false, flags);
    }
    return text;
  }

  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    if (positional) return option->get_name(true, false);
    return fmt::format("{}", fmt::join(names_of(*option), ", "));
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->nonpositional()) return "";
    std::string name(value_of(*option).name);
    std::ranges::transform(name, name.begin(), [](char c) {
      return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    });
    return name.empty() ? name : " " + name;
  }
};

void shape(CLI::App& app, const std::shared_ptr<CLI::FormatterBase>& formatter) {
  app.formatter(formatter);
  const auto rarities =
      std::ranges::count_if(flags_of(app), [](const auto* it) { return !is_common(*it); });
  if (rarities > 1) app.set_help_all_flag("--help-all", "all flags");  // more than --help
  for (auto* command : app.get_subcommands({})) shape(*command, formatter);
}

}  // namespace

void shape_help(CLI::App& app) { shape(app, std::make_shared<Help>()); }

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<const CLI::Option*> flags_of(const CLI::App& command) {
  return command.get_options([](const CLI::Option* it) { return it->nonpositional(); });
}

ValueHelp value_of(const CLI::Option& option) {
  if (option.get_items_expected_min() == 0) return {Value::nothing, "", ""};
  const auto names = names_of(option);
  if (std::ranges::find(names, "--format") != names.end()) {
    // Whoever has fewer styles than `sts sub` says so by CLI::IsMember.
    const bool few = option.get_type_name().find("{text,json}") != std::string::npos;
    return {Value::words, "style", few ? "text json" : "text json hex base64 raw"};
  }
  for (const auto& [flag, value] : values) {
    if (std::ranges::find(names, flag) != names.end()) return value;
  }
  const bool text = option.get_type_name().starts_with("TEXT");
  return text ? ValueHelp{Value::text, "text", ""} : ValueHelp{Value::number, "number", ""};
}

}  // namespace sts::cli
