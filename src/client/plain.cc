#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "client/conversation.h"

namespace sts::client {
namespace {

constexpr std::size_t max_waiting = 4096;  // messages
constexpr std::size_t max_waiting_bytes = std::size_t{4} << 20U;

class Plain final : public Conversation {
 public:
  explicit Plain(Port& port) : port_(port) {}

  void online(std::size_t, Instant) override {
    online_ = was_online_ = true;
    // Only what waits now: whoever hears of it may send more.
    for (auto left = waiting_.size(), at = std::size_t{0}; left > 0; --left) {
      if (auto published = publish(waiting_[at])) {
        ++at;
      } else {
        forget(at);
        not_delivered(published.error());
      }
    }
    port_.up(true);
    end_if_done();
  }

  void offline(Instant) override {
    online_ = false;
    for (auto& message : waiting_) message.id = 0;
  }

  void receive(ByteView payload, Instant) override { port_.received({}, payload); }

  void published(mqtt::PublishId id, const Result<void>& outcome, Instant) override {
    const auto message = std::ranges::find(waiting_, id, &Waiting::id);
    if (message == waiting_.end()) return;
    forget(static_cast<std::size_t>(std::distance(waiting_.begin(), message)));
    if (!outcome) not_delivered(outcome.error());
    if (full_ && !full()) {
      full_ = false;
      port_.room();
    }
    end_if_done();
  }

  Result<void> send(std::string_view text, bool encrypted, Instant) override {
    if (encrypted) {
      return fail(Errc::refused, "this session is not encrypted", "use send, or a secure sts_mode");
    }
    if (!was_online_) return fail(Errc::refused, "not connected to the broker yet");
    if (full()) {
      full_ = true;
      return fail(Errc::limit, "too many messages wait for the broker");
    }
    waiting_.push_back({to_bytes(as_bytes(text))});
    bytes_ += text.size();
    if (!online_) return {};
    auto published = publish(waiting_.back());
    if (published) return {};
    forget(waiting_.size() - 1);
    // Not Errc::limit: there will never be room for it.
    return fail(Errc::refused, published.error().message, published.error().hint);
  }

  void stop(Instant) override {
    stopping_ = true;
    end_if_done();
  }

  std::size_t unacknowledged() const override { return waiting_.size(); }
  Instant next_deadline() const override { return never; }
  void advance(Instant) override {}

  void describe(Status& status, Instant) const override {
    status.protocol = "none";
    status.cipher = "none";
  }

 private:
  struct Waiting {
    Bytes payload;
    mqtt::PublishId id = 0;  // 0: not handed to the transport
  };

  bool full() const { return waiting_.size() >= max_waiting || bytes_ >= max_waiting_bytes; }

  /// An error where it can't ever be published; without a connection it goes on waiting.
  Result<void> publish(Waiting& message) {
    const auto published = port_.publish(message.payload, qos());
    if (published) {
      message.id = *published;
      port_.sent(message.payload);
    } else if (published.error().code != Errc::io) {
      return tl::unexpected<Error>(published.error());
    }
    return {};
  }

  void forget(std::size_t at) {
    bytes_ -= waiting_[at].payload.size();
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void not_delivered(const Error& why) {
    port_.given_up(1, "a message was not delivered: " + one_line(why));
  }

  void end_if_done() {
    if (stopping_ && waiting_.empty()) port_.ended({});
  }

  Port& port_;
  std::deque<Waiting> waiting_;  // for the broker's acknowledgement
  std::size_t bytes_ = 0;        // in waiting_
  bool online_ = false, was_online_ = false, stopping_ = false, full_ = false;
};

}  // namespace

std::unique_ptr<Conversation> make_plain(Port& port) { return std::make_unique<Plain>(port); }

}  // namespace sts::client
