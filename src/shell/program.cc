#include "shell/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace sts::shell {
namespace {

/// Gives the terminal to a process group. The caller may be in the background at that moment, which
/// would stop it unless SIGTTOU is blocked.
void set_foreground(pid_t group) {
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGTTOU);
  sigprocmask(SIG_BLOCK, &block, &before);
  tcsetpgrp(STDIN_FILENO, group);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

struct ProgramRunner::Start {
  const char* command;
  bool terminal;
  int input;  // unless it is the terminal; -1: nothing
  char* const* environment;
};

/// In the child: only calls that are safe after fork() in a process with threads.
void ProgramRunner::become(const Start& how, mode_t umask) {
  setpgid(0, 0);
  if (how.terminal) {
    set_foreground(getpid());
  } else {
    dup2(how.input >= 0 ? how.input : open("/dev/null", O_RDONLY), STDIN_FILENO);
  }
  close_range(3, ~0U, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH, SIGCHLD, SIGPIPE}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    // What was ignored before the shell came (nohup) stays so; SIGPIPE is the shell's own doing.
    if (action.sa_handler != SIG_IGN || signal == SIGPIPE) std::signal(signal, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(umask);
  execle("/bin/sh", "sh", "-c", how.command, nullptr, how.environment);
  _exit(127);
}

ProgramRunner::~ProgramRunner() {
  if (!running()) return;
  forward(SIGHUP);
  take_terminal_back();
}

Result<void> ProgramRunner::run(const std::string& command, Stdin input,
                                std::function<void(int)> ended) {
  return start({command.c_str(), input == Stdin::terminal, -1, environ}, std::move(ended));
}

Result<void> ProgramRunner::run(const std::string& command, int input,
                                const std::vector<std::string>& environment,
                                std::function<void(int)> ended) {
  std::vector<char*> pointers;
  pointers.reserve(environment.size() + 1);
  for (const auto& one : environment) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  return start({command.c_str(), false, input, pointers.data()}, std::move(ended));
}

Result<void> ProgramRunner::start(const Start& how, std::function<void(int)> ended) {
  if (running()) return fail(Errc::refused, "a program is running already", "wait until it ends");
  child_ended_.add(SIGCHLD);
  lent_ = how.terminal && tcgetattr(STDIN_FILENO, &modes_) == 0;
  // Until the child has put the handlers off, a signal to it would be told to the parent's loop.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  const pid_t child = fork();
  if (child == 0) become(how, umask_);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) {
    return fail(Errc::io, fmt::format("cannot start a program: {}", std::strerror(errno)),
                "end other programs first");
  }
  // Parent and child both do it, so that neither runs ahead of it.
  setpgid(child, child);
  if (lent_) set_foreground(child);
  child_ = child;
  ended_ = std::move(ended);
  wait();
  return {};
}

void ProgramRunner::wait() {
  child_ended_.async_wait([this](std::error_code error, int) {
    if (error || !running()) return;
    int status = 0;
    const pid_t changed = waitpid(child_, &status, WNOHANG | WUNTRACED);
    if (changed == child_ && WIFSTOPPED(status)) {
      // There is no job control to bring it back with, so it goes on.
      if (lent_) set_foreground(child_);
      forward(SIGCONT);
    } else if (changed == child_ || (changed < 0 && errno == ECHILD)) {
      child_ = 0;
      take_terminal_back();
      std::exchange(ended_, nullptr)(status);
      return;
    }
    wait();
  });
}

void ProgramRunner::take_terminal_back() {
  if (!std::exchange(lent_, false)) return;
  set_foreground(getpgrp());
  tcsetattr(STDIN_FILENO, TCSADRAIN, &modes_);
}

void ProgramRunner::forward(int signal) {
  if (running()) kill(-child_, signal);
}

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was ended by signal {} ({})", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) == 0) return {};
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

}  // namespace sts::shell
