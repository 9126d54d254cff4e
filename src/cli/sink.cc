#include "cli/sink.h"

#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "base/topic.h"
#include "cli/job.h"

namespace sts::cli {

Result<std::unique_ptr<Sink>> Sink::make(asio::io_context& loop, SinkChoices choices, Owner owner) {
  choices.format.terminal = !choices.output && ::isatty(STDOUT_FILENO) != 0;
  auto formatter = Formatter::make(choices.format);
  if (!formatter) return tl::unexpected(formatter.error());
  std::unique_ptr<Output> output;
  if (choices.output) {
    auto opened = open_output(*choices.output);
    if (!opened) return tl::unexpected(opened.error());
    output = std::move(*opened);
  }
  return std::unique_ptr<Sink>(new Sink(loop, std::move(choices), std::move(owner),
                                        std::move(*formatter), std::move(output)));
}

Sink::Sink(asio::io_context& loop, SinkChoices choices, Owner owner, Formatter formatter,
           std::unique_ptr<Output> output)
    : loop_(loop),
      choices_(std::move(choices)),
      owner_(std::move(owner)),
      formatter_(std::move(formatter)),
      output_(std::move(output)),
      stdout_(loop, STDOUT_FILENO,
              {[this](bool held) { owner_.hold(held); },
               [this](const Error& why) { owner_.failed(why); },
               [this](std::uint64_t bytes) { written(bytes); }}) {
  if (choices_.exec.empty()) return;
  exec_.emplace(loop_, choices_.exec, ExecOutput::Owner{owner_.hold, owner_.failing, owner_.taken});
}

void Sink::take(const client::Received& received) {
  if (over_) return;
  const bool shown = wanted(received);
  if (shown) put(received);
  if (exec_ && !shown) exec_->skip(received.place);
  if (received.place != 0 && !exec_) mark(received.place);
  if (!shown) return;
  if (choices_.count == 0 || ++taken_ < choices_.count) return;
  over_ = true;
  owner_.enough();
}

bool Sink::wanted(const client::Received& received) {
  const auto& message = received.message;
  if (choices_.only_retained && !message.retain) {
    // Stored messages come before all others (MQTT 5, section 3.3.1.3).
    over_ = true;
    owner_.enough();
    return false;
  }
  if (choices_.skip_stale && message.retain) return false;
  return std::ranges::none_of(choices_.filter_out, [&](const std::string& filter) {
    return topic_matches(filter, message.topic);
  });
}

void Sink::put(const client::Received& received) {
  if (exec_) return exec_->take(received);
  if (!choices_.store.empty()) return owner_.store(received);
  std::string& to = output_ ? line_ : stdout_.buffer();
  if (output_) line_.clear();
  if (auto formatted = formatter_.format(received, to); !formatted) {
    return show(formatted.error());
  }
  if (!output_) return stdout_.flush_soon();
  if (auto written = output_->write(received.message.topic, line_, received.at); !written) {
    over_ = true;
    owner_.failed(written.error());
  }
}

void Sink::mark(std::uint64_t place) {
  if (!choices_.store.empty()) return owner_.taken(place);
  marks_.push_back({stdout_.appended(), place});
  if (!output_) return stdout_.flush_soon();
  if (marks_.size() == 1) asio::post(loop_, [this] { sync(); });
}

void Sink::sync() {
  if (marks_.empty()) return;
  if (auto synced = output_->sync(); !synced) {
    marks_.clear();
    over_ = true;
    return owner_.failed(synced.error());
  }
  written(0);
}

void Sink::written(std::uint64_t bytes) {
  std::uint64_t place = 0;
  for (; !marks_.empty() && marks_.front().bytes <= bytes; marks_.pop_front()) {
    place = marks_.front().place;
  }
  if (place != 0) owner_.taken(place);
}

void Sink::finish(std::function<void()> done) {
  over_ = true;
  if (exec_) return exec_->finish(std::move(done));
  if (!output_) return stdout_.finish(std::move(done));
  sync();
  if (auto closed = output_->close(); !closed) owner_.failed(closed.error());
  done();
}

}  // namespace sts::cli
