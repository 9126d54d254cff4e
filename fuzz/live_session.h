// An initiator and a responder with a session between them, for fuzzing one of the two.
#pragma once

#include <deque>

#include "base/reader.h"
#include "crypto/random.h"
#include "protocol/initiator.h"
#include "protocol/responder.h"

namespace sts::fuzz {

using namespace protocol;  // NOLINT(google-build-using-namespace): only fuzz targets include this

inline const crypto::KeyPair& identity(std::uint64_t seed) {
  static const auto pairs = [] {
    crypto::initialise();
    crypto::SeededRandom one(1), two(2);
    return std::array{crypto::KeyPair::generate(one), crypto::KeyPair::generate(two)};
  }();
  return pairs.at(seed - 1);
}

class LiveSession {
 public:
  LiveSession() {
    for (auto* endpoint : both()) recorded_.push_back(*endpoint->wills().seal(as_bytes("gone")));
    set_online(initiator);
    set_online(responder);
    pump();
    say(initiator, "from the initiator");
    say(responder, "from the responder");
    pump();
  }

  /// Feeds `target` with what `input` says: frames of any bytes, genuine frames with a changed
  /// byte, the lapse of time, and messages of its own.
  void play(Endpoint& target, ByteView input) {
    Reader in(input);
    const auto genuine = recorded_;
    while (!in.empty()) {
      const auto what = *in.u8();
      const auto size = in.u8().value_or(0);
      if (what % 8 == 0) {
        advance(std::chrono::milliseconds(size * size));
      } else if (what % 8 == 1) {
        say(target, "more");
      } else if (what % 8 == 2) {
        set_online(target, size % 2 != 0);
      } else if (what % 8 < 6) {
        Bytes frame = genuine[size % genuine.size()];
        const auto at = in.u8().value_or(0);
        frame[at % frame.size()] ^= in.u8().value_or(0);
        receive(target, frame);
      } else {
        receive(target, *in.take(std::min<std::size_t>(size, in.left())));
      }
    }
    pump();
  }

  Initiator initiator{setup(1, 2)};
  Responder responder{setup(2, 1)};

 private:
  Setup setup(std::uint64_t own, std::uint64_t other) {
    Trust trust;
    trust.peers.push_back({identity(other).public_key, {}});
    Limits limits;
    limits.rekey_after_time = std::chrono::seconds(30);
    return {&identity(own),
            {to_bytes(as_bytes("up")), to_bytes(as_bytes("down"))},
            std::move(trust),
            limits,
            &random_};
  }
  std::array<Endpoint*, 2> both() { return {&initiator, &responder}; }
  void carry_out(const Endpoint& from, Effects out) {
    for (auto& publish : out.publish) {
      recorded_.push_back(publish.frame);
      queue_.emplace_back(&from, std::move(publish.frame));
    }
  }
  void set_online(Endpoint& endpoint, bool online = true) {
    Effects out;
    endpoint.set_online(online, SIZE_MAX, now_, out);
    carry_out(endpoint, std::move(out));
  }
  void receive(Endpoint& endpoint, ByteView frame) {
    Effects out;
    endpoint.receive(frame, now_, out);
    carry_out(endpoint, std::move(out));
  }
  void say(Endpoint& endpoint, std::string_view text) {
    Effects out;
    for (auto* link : endpoint.links()) (void)link->send(to_bytes(as_bytes(text)), now_, out);
    carry_out(endpoint, std::move(out));
  }
  void advance(Duration time) {
    now_ += time;
    for (auto* endpoint : both()) {
      Effects out;
      if (endpoint->next_deadline() <= now_) endpoint->advance(now_, out);
      carry_out(*endpoint, std::move(out));
    }
  }
  void pump() {
    for (int left = 1000; left > 0 && !queue_.empty(); --left) {
      const auto [from, frame] = std::move(queue_.front());
      queue_.pop_front();
      if (from == &initiator) {
        receive(responder, frame);
      } else {
        receive(initiator, frame);
      }
    }
  }

  crypto::SeededRandom random_{3};
  Instant now_{std::chrono::hours(1)};
  std::deque<std::pair<const Endpoint*, Bytes>> queue_;
  std::vector<Bytes> recorded_;
};

}  // namespace sts::fuzz
