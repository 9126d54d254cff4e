#include "cli/feed.h"

#include <unistd.h>

#include <asio/post.hpp>
#include <utility>

namespace sts::cli {
namespace {

constexpr std::size_t longest_line = 268'435'455;  // MQTT's largest packet (MQTT 5, section 1.5.5)

}  // namespace

Feed::Feed(asio::io_context& loop, const PubChoices& choices, Owner owner)
    : loop_(loop),
      owner_(std::move(owner)),
      payload_(choices.message.payload),
      left_(choices.repeat),
      delay_(choices.repeat_delay),
      pause_(loop) {
  if (choices.lines) {
    lines_ = std::make_unique<shell::ScriptInput>(loop, STDIN_FILENO, *this, longest_line);
  }
}

void Feed::more() {
  if (ended_ || asked_) return;
  if (!owner_.room()) return;
  asked_ = true;
  if (lines_) return lines_->next();
  asio::post(loop_, [this] { repeat(); });
}

void Feed::stop() {
  ended_ = true;
  // Not from within what it is just handing out.
  asio::post(loop_, [this] {
    pause_.cancel();
    lines_.reset();
  });
}

void Feed::on_line(std::string line) {
  asked_ = false;
  owner_.take(to_bytes(as_bytes(line)));
  more();
}

void Feed::on_long_line(std::size_t) {
  asked_ = false;
  show(Error{Errc::limit, "a line was left out: it is over MQTT's limit of 256 MiB"});
  more();
}

void Feed::on_end() {
  if (!std::exchange(ended_, true)) owner_.ended();
}

void Feed::repeat() {
  asked_ = false;
  if (ended_) return;
  if (left_ == 0) return on_end();
  if (!owner_.room()) return;
  --left_;
  owner_.take(payload_);
  if (delay_.count() == 0 || left_ == 0) return more();
  asked_ = true;
  pause_.expires_after(delay_);
  pause_.async_wait([this](std::error_code error) {
    if (!error) repeat();
  });
}

}  // namespace sts::cli
