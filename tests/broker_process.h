// A mosquitto of the test's own, on a free loopback port.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace sts::test {

/// A port that was free a moment ago on 127.0.0.1.
inline std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound) throw std::runtime_error("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

/// Runs from the end of the constructor to stop(), kill() or the destructor; dies with the test
/// also where that is killed. Throws where mosquitto doesn't start.
class BrokerProcess {
 public:
  /// `config`: lines of mosquitto.conf(5) besides the listener.
  explicit BrokerProcess(const std::string& config = "allow_anonymous true\n")
      : directory_(make_directory()), config_(config) {
    // Another process may take the port between the look and the listen.
    for (int attempt = 0; attempt < 5 && pid_ < 0; ++attempt) {
      port_ = free_port();
      try_start();
    }
    if (pid_ < 0) fail_to_start();
  }
  ~BrokerProcess() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

  /// SIGKILL: connections end without DISCONNECT.
  void kill() { end(SIGKILL); }
  /// SIGTERM: the broker says goodbye to its clients.
  void stop() { end(SIGTERM); }
  /// Again, on the same port, after kill() or stop().
  void start() {
    try_start();
    if (pid_ < 0) fail_to_start();
  }

 private:
  static std::filesystem::path make_directory() {
    std::string path = std::filesystem::temp_directory_path() / "sts-broker-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
    return path;
  }

  [[noreturn]] void fail_to_start() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
    throw std::runtime_error("mosquitto didn't start: " + log_);
  }

  void try_start() {
    const auto file = directory_ / "mosquitto.conf";
    std::ofstream(file) << "listener " << port_ << " 127.0.0.1\n"
                        << "log_type error\nlog_type information\nconnection_messages false\n"
                        << (geteuid() == 0 ? "user root\n" : "") << config_;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(127);
      dup2(ends[1], STDERR_FILENO);
      execl("/usr/sbin/mosquitto", "mosquitto", "-c", file.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    log_.clear();
    // It says "running" once it listens, and ends where it can't.
    char text[256];
    ssize_t got = 0;
    while (log_.find(" running") == std::string::npos &&
           (got = read(ends[0], text, sizeof text)) > 0) {
      log_.append(text, static_cast<std::size_t>(got));
    }
    log_fd_ = ends[0];
    if (got <= 0) kill();
  }

  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
    close(log_fd_);
    pid_ = -1;
  }

  std::filesystem::path directory_;
  std::string config_;
  std::string log_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  int log_fd_ = -1;
};

}  // namespace sts::test
