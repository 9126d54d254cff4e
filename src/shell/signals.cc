// What signals do to the shell.
#include <unistd.h>

#include <csignal>

#include "shell/line_editor.h"
#include "shell/shell.h"

namespace sts::shell {
namespace {

/// Whoever started the shell chose to ignore it: nohup, or a script that puts it into the
/// background.
bool ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void Shell::listen_for_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!ignored(signal)) signals_.add(signal);
  }
  if (terminal_) signals_.add(SIGWINCH);
  if (terminal_ && !ignored(SIGTSTP)) signals_.add(SIGTSTP);
  next_signal();
}

void Shell::next_signal() {
  signals_.async_wait([this](std::error_code error, int signal) {
    if (error) return;
    on_signal(signal);
    next_signal();
  });
}

void Shell::on_signal(int signal) {
  switch (signal) {
    case SIGWINCH:
      if (editor_ != nullptr) editor_->resized();
      break;
    case SIGTSTP:
      suspend();
      break;
    case SIGINT:
      if (terminal_) {
        on_interrupt();
        break;
      }
      [[fallthrough]];
    default:
      program_.forward(signal);
      if (ending_) {
        for (const auto& session : sessions_.all()) session->client().stop(true);
      }
      end(128 + signal);
  }
}

void Shell::on_interrupt() {
  const auto session = sessions_.current();
  const bool sourcing = !sources_.empty();
  sources_.clear();
  if (program_.running()) {
    // Typed before the program had the terminal, and meant for it.
    program_.forward(SIGINT);
  } else if (watch_.running()) {
    watch_.stop();
  } else if (session && (session->client().state() == client::State::stopping || starting())) {
    session->client().stop(true);
  } else if (sourcing && check_) {
    check_ = nullptr;
    go_on();
  } else if (editor_ != nullptr) {
    editor_->interrupt();
  }
}

/// Stops the process as the terminal's driver would have, but with the terminal as it was found.
void Shell::suspend() {
  if (editor_ != nullptr) editor_->suspend();
  raise(SIGSTOP);
  if (editor_ != nullptr) editor_->resume();
}

}  // namespace sts::shell
