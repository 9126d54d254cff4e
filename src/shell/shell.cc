#include "shell/shell.h"

#include <fmt/format.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "shell/line_editor.h"
#include "shell/script_input.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

bool terminal_can_edit() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0 && term != nullptr &&
         *term != '\0' && std::string_view(term) != "dumb";
}

/// NO_COLOR: any value but an empty one (no-color.org).
bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return terminal_can_edit() && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace

Shell::Shell(asio::io_context& loop, std::vector<Command> commands, Environment environment)
    : loop_(loop),
      commands_(std::move(commands)),
      environment_(std::move(environment)),
      terminal_(::isatty(STDIN_FILENO) != 0),
      output_(STDOUT_FILENO, STDERR_FILENO),
      log_(output_, environment_.now, wants_colour()),
      signals_(loop),
      program_(loop, environment_.program_umask),
      watch_(loop) {
  watch_.on_ended([this] { recheck(); });
}

Shell::~Shell() = default;

int Shell::run() {
  listen_for_signals();
  output_.on_broken([this] { asio::post(loop_, [this] { end(EXIT_FAILURE); }); });
  if (terminal_ && !environment_.greeting.empty()) print(environment_.greeting);
  InputHandler& handler = *this;
  if (terminal_can_edit()) {
    auto editor = std::make_unique<LineEditor>(
        loop_, handler, [this](std::string_view line) { return complete(*this, line); });
    editor_ = editor.get();
    input_ = std::move(editor);
    output_.set_screen(editor_);
  } else {
    input_ = std::make_unique<ScriptInput>(loop_, STDIN_FILENO, handler);
  }
  input_->next();
  loop_.run();

  output_.set_screen(nullptr);
  output_.release();
  editor_ = nullptr;
  input_.reset();
  const int code = ending_.value_or(0);
  return code == 0 && scripted() && failed_ ? EXIT_FAILURE : code;
}

void Shell::report(const Error& error) {
  failed_ = true;
  std::string text = "error: " + printable(sources_.where() + error.message);
  const bool repeated = scripted() && error.hint == std::exchange(last_hint_, error.hint);
  if (!error.hint.empty() && !repeated) text += "\n" + format_hint(error.hint);
  output_.error(text);
}

void Shell::wait(std::function<Progress()> check) {
  check_ = std::move(check);
  recheck();
}

void Shell::recheck() {
  if (!check_) return;
  auto check = std::exchange(check_, nullptr);
  const Progress progress = check();
  if (progress == Progress::waiting) {
    check_ = std::move(check);
    return;
  }
  if (progress == Progress::failed) failed_ = true;
  if (!in_command_) go_on();
}

void Shell::on_line(std::string line) { run_line(line); }

void Shell::run_line(const std::string& line) {
  const CommandLine parsed = parse_command_line(line);
  in_command_ = true;
  Result<const Command*> command = resolve(commands_, parsed);
  if (!command) {
    report(command.error());
  } else if (*command != nullptr) {
    if (auto ran = (*command)->run(*this, parsed.arguments); !ran) {
      report(ran.error());
    } else {
      last_hint_.clear();
    }
  }
  in_command_ = false;
  if (!check_) go_on();
}

void Shell::on_long_line(std::size_t limit) {
  report({Errc::limit, fmt::format("a line of the input is longer than {} bytes", limit),
          "send it in parts"});
  go_on();
}

/// The command is over.
void Shell::go_on() {
  if (ending_) return;
  if (!sources_.empty()) {
    // Through the loop, as the lines of a script.
    asio::post(loop_, [this] {
      if (ending_) return;
      if (const auto line = sources_.next()) return run_line(*line);
      go_on();
    });
  } else if (input_ended_) {
    end(0);
  } else {
    input_->next();
  }
}

void Shell::on_end() {
  if (ending_) return;
  if (!sources_.empty() || (check_ && !starting())) {
    input_ended_ = true;
    return;
  }
  if (check_) {
    report({Errc::refused, "the start was given up: the input ended before the session was up",
            "keep the input open, or let more commands follow"});
  }
  end(0);
}

void Shell::end(int exit_code) {
  if (ending_) return;
  ending_ = exit_code;
  check_ = nullptr;
  if (sessions_.all().empty()) asio::post(loop_, [this] { loop_.stop(); });
  for (const auto& session : sessions_.all()) session->client().stop(false);
}

Result<void> Shell::run_program(const std::string& command, std::function<void(int)> ended) {
  if (terminal_) output_.hold();
  if (editor_ != nullptr) editor_->leave();
  auto started = program_.run(
      command, terminal_ ? ProgramRunner::Stdin::terminal : ProgramRunner::Stdin::nothing,
      [this, ended = std::move(ended)](int status) {
        output_.release();
        ended(status);
      });
  if (!started) output_.release();
  return started;
}

}  // namespace sts::shell
