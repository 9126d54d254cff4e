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
      program_(loop, environment_.program_umask) {}

Shell::~Shell() = default;

int Shell::run(client::Messenger& client) {
  client_ = &client;
  listen_for_signals();
  output_.on_broken([this] { asio::post(loop_, [this] { end(EXIT_FAILURE); }); });
  if (terminal_ && !environment_.greeting.empty()) print(environment_.greeting);
  InputHandler& handler = *this;
  if (terminal_can_edit()) {
    auto editor = std::make_unique<LineEditor>(
        loop_, handler, [this](std::string_view line) { return complete(commands_, line); });
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
  output_.error("error: " + printable(error.message));
  if (!error.hint.empty()) output_.error("hint: " + printable(error.hint));
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

void Shell::on_line(std::string line) {
  const CommandLine parsed = parse_command_line(line);
  in_command_ = true;
  Result<const Command*> command = resolve(commands_, parsed);
  if (!command) {
    report(command.error());
  } else if (*command != nullptr) {
    if (auto ran = (*command)->run(*this, parsed.arguments); !ran) report(ran.error());
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
  if (input_ended_) {
    end(0);
  } else {
    input_->next();
  }
}

void Shell::on_end() {
  if (ending_) return;
  if (check_ && !starting_) {
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
  if (client_->state() == client::State::stopped) {
    // Behind what the client has posted: it may still tell of a failure.
    asio::post(loop_, [this] { loop_.stop(); });
  } else {
    client_->stop(false);
  }
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

void Shell::on_log(client::Level level, const std::string& line) { log_.line(level, line); }

void Shell::on_message(const std::string& peer, ByteView message) { log_.incoming(peer, message); }

void Shell::on_sent(ByteView wire) { log_.outgoing(wire); }

void Shell::on_state(client::State state, const std::optional<Error>& failed) {
  if (failed) {
    failed_ = true;
    if (!failed->hint.empty()) output_.error("hint: " + printable(failed->hint));
  }
  if (state == client::State::up || state == client::State::stopped) starting_ = false;
  if (ending_ && state == client::State::stopped) loop_.stop();
  recheck();
}

void Shell::on_room() { recheck(); }

}  // namespace sts::shell
