#include "cli/payload_flags.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "store/file.h"

namespace sts::cli {
namespace {

constexpr std::size_t largest_message = 268'435'455;  // bytes (MQTT 5, section 1.5.5)

Bytes bytes_of(const store::WipedText& text) { return to_bytes(as_bytes(store::view(text))); }

}  // namespace

void PayloadFlags::add_to(CLI::App& app, const std::string& what) {
  // Not into text_ itself: CLI11 takes an empty text for none.
  // Of two messages none is to be left out.
  app.add_option_function<std::string>(
         "-m,--message", [this](const std::string& text) { text_ = text; }, "the " + what)
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  app.add_option("-f,--file", file_, "the contents of FILE are the " + what)
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  app.add_flag("-s,--stdin-file", whole_stdin_, "the standard input is the " + what);
  app.add_flag("-n,--null-message", empty_, "an empty " + what);
}

void PayloadFlags::add_lines(CLI::App& app) {
  app.add_flag("-l,--stdin-line", lines_, "each line of the standard input is a message");
  choices_ = "one of -m TEXT, -f FILE, -l, -s and -n";
}

Result<Bytes> PayloadFlags::read() const {
  const auto given = std::ranges::count(
      std::array{text_.has_value(), !file_.empty(), whole_stdin_, empty_, lines_}, true);
  if (given != 1) {
    return fail(Errc::bad_input, given == 0 ? "what is to be sent?" : "more than one message",
                choices_);
  }
  if (text_) return to_bytes(as_bytes(*text_));
  if (whole_stdin_) {
    auto all = store::read_descriptor(STDIN_FILENO, "the standard input", largest_message);
    if (!all) return tl::unexpected(all.error());
    return bytes_of(*all);
  }
  if (file_.empty()) return Bytes{};
  auto file = store::read_file(file_, largest_message);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return fail(Errc::bad_input, fmt::format("there is no file {}", file_));
  return bytes_of((*file)->text);
}

}  // namespace sts::cli
