#include "cli/exec_output.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "cli/output_error.h"
#include "cli/report.h"

namespace sts::cli {
namespace {

constexpr std::size_t many_jobs = 100;

/// This process's own, and what is known of the message. A name that isn't known of it is not
/// inherited either: it would be of another.
std::vector<std::string> environment(const client::Received& received) {
  const auto& message = received.message;
  std::vector<std::pair<std::string_view, std::string>> ours = {
      {"STS_TOPIC=", message.topic},
      {"STS_SENDER=", received.sender},
      {"STS_FINGERPRINT=", received.sender_fingerprint},
      {"STS_RECEIVED_MS=", std::to_string(unix_ms(received.at))},
      {"STS_SENT_MS=", received.sent ? std::to_string(unix_ms(*received.sent)) : ""},
      {"STS_CONTENT_TYPE=", message.properties.content_type},
      {"STS_RETAIN=", message.retain ? "1" : ""},
      {"STS_LATE=", received.late ? "1" : ""},
      {"STS_WILL=", received.will ? "1" : ""},
  };
  std::vector<std::string> out;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text(*one);
    if (std::ranges::none_of(ours, [&](auto& it) { return text.starts_with(it.first); })) {
      out.emplace_back(text);
    }
  }
  for (auto& [name, value] : ours) {
    if (!value.empty()) out.push_back(std::string(name) + value);
  }
  return out;
}

/// A descriptor from which the payload can be read; -1, and errno.
int readable(ByteView payload) {
  const int file = ::memfd_create("payload", MFD_CLOEXEC);
  std::size_t written = 0;
  if (file >= 0 && write_whole(file, as_text(payload), written) &&
      ::lseek(file, 0, SEEK_SET) == 0) {
    return file;
  }
  const int number = errno;
  if (file >= 0) ::close(file);
  errno = number;
  return -1;
}

}  // namespace

ExecOutput::ExecOutput(asio::io_context& loop, std::string command, Owner owner)
    : command_(std::move(command)),
      owner_(std::move(owner)),
      program_(loop, 077),
      retry_(loop, client::boot_time, [this] { next(); }) {}

void ExecOutput::skip(std::uint64_t place) {
  Job job;
  job.message.place = place;
  job.wanted = false;
  push(std::move(job));
}

void ExecOutput::push(Job job) {
  if (interrupted_) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() == 1) next();
  if (jobs_.size() >= many_jobs && !std::exchange(held_, true)) owner_.hold(true);
}

void ExecOutput::next() {
  while (!jobs_.empty() && !jobs_.front().wanted) {
    const auto place = jobs_.front().message.place;
    jobs_.pop_front();
    if (place != 0) owner_.taken(place);
  }
  if (jobs_.empty()) {
    if (std::exchange(held_, false)) owner_.hold(false);
    if (done_) std::exchange(done_, nullptr)();
    return;
  }
  const auto& message = jobs_.front().message;
  const int input = readable(message.message.payload);
  if (input < 0) return failed(std::strerror(errno));
  auto started =
      program_.run(command_, input, environment(message), [this](int status) { ended(status); });
  ::close(input);
  if (!started) failed(started.error().message);
}

void ExecOutput::ended(int status) {
  if (const auto how = shell::describe_exit(status); !how.empty()) return failed("it " + how);
  const auto place = jobs_.front().message.place;
  jobs_.pop_front();
  backoff_.reset();
  if (std::exchange(failing_, false)) owner_.failing(false);
  if (place != 0) owner_.taken(place);
  next();
}

void ExecOutput::failed(const std::string& how) {
  if (interrupted_) {
    jobs_.clear();
    return next();
  }
  if (!std::exchange(failing_, true)) {
    show(Error{Errc::io,
               fmt::format("--exec failed for a message on {}: {}",
                           printable(jobs_.front().message.message.topic), how),
               "it is tried again until it ends with exit code 0; the messages wait"});
    owner_.failing(true);
  }
  retry_.set(client::boot_time() + backoff_.next(random_));
}

void ExecOutput::interrupt() {
  interrupted_ = true;
  retry_.set(never);
  if (!program_.running()) return jobs_.clear();
  jobs_.erase(jobs_.begin() + 1, jobs_.end());
  program_.forward(SIGTERM);
}

void ExecOutput::finish(std::function<void()> done) {
  done_ = std::move(done);
  if (jobs_.empty()) next();
}

}  // namespace sts::cli
