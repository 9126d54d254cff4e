// What comes to a reader that trusts a sender with live epochs: any bytes, genuine packets,
// messages and wills with a changed byte, on any topic, again, retained, in any order, the lapse of
// time, and a process that goes on where the one before ended.
#include <set>
#include <utility>

#include "channel/reader.h"
#include "channel/sender.h"
#include "crypto/aead.h"
#include "live_session.h"

using namespace sts;
using namespace sts::channel;

namespace {

struct Publication {
  std::string topic;
  Bytes payload;
  bool keys = false;
};

struct World {
  std::vector<Publication> genuine;
  EpochKey key;  // of the last epoch, and its name: a reader that speaks as the sender has both
  KeyId id;
};

World make_world() {
  const auto& self = fuzz::identity(1);
  crypto::SeededRandom random(5);
  World out;
  std::uint64_t number = 0;
  for (const bool sign : {false, true, false}) {
    Sender sender(self, {.sign = sign}, random);
    const std::array readers{Recipient{fuzz::identity(2).public_key}};
    for (int epoch = 0; epoch < 3; ++epoch) {
      ++number;
      const auto packets = *sender.begin_epoch(readers, number, 1000 * number, {});
      for (const auto& [topic, payload] : packets) {
        out.genuine.push_back({topic, payload, topic.starts_with(default_key_prefix)});
      }
      for (int i = 0; i < 6; ++i) {
        const std::string topic = i % 3 == 0 ? "a" : "b";
        const auto sealed = sender.seal(
            topic, {.payload = as_bytes("text"), .time = 5, .retained = i % 2 == 0}, {});
        out.genuine.push_back({topic, *sealed});
      }
      const ConnectionId connection{{static_cast<std::uint8_t>(number)}};
      out.genuine.push_back({"a", *sender.seal("a", {.online = connection}, {})});
      out.genuine.push_back(
          {"a", *sender.seal_will("a", connection, {.payload = as_bytes("gone")})});
    }
  }
  const auto last = std::find_if(out.genuine.rbegin(), out.genuine.rend(),
                                 [](const auto& one) { return one.keys && !one.payload.empty(); });
  const auto packet = decode_key_packet(last->payload);
  const auto shared = *crypto::dh(fuzz::identity(2).private_key, self.public_key);
  const WrapContext who{fuzz::identity(2), self.public_key, shared};
  out.key = *open_wrap(find_wraps(*packet, who).at(0), packet->header_bytes, who);
  out.id = key_id(out.key, packet->header_bytes);
  return out;
}

/// Any plaintext under the right key.
Bytes seal(const World& world, std::string_view topic, std::uint64_t counter, ByteView plaintext) {
  Bytes out;
  put_message_header(out, world.id, counter);
  const Bytes header = out;
  crypto::aead_seal(message_key(world.key, topic), counter, header, plaintext, out);
  return out;
}

/// Nothing comes twice, and the counts hold.
class Following {
 public:
  void take(const Publication& one, bool retained) {
    if (one.keys) {
      reader_.take_keys(sender_id(fuzz::identity(1).public_key), {one.topic, one.payload, retained},
                        now_, events_);
    } else {
      reader_.take({one.topic, one.payload, retained}, now_, events_);
    }
    look();
  }
  void advance(Duration time) {
    now_ += time;
    reader_.advance(now_, events_);
    look();
    if (reader_.next_deadline() <= now_) std::abort();
  }
  void end() const {
    for (const auto& one : reader_.report()) {
      if (one.counts.missing > one.counts.delivered + (std::uint64_t{1} << 32U)) std::abort();
    }
  }
  Following() { (void)reader_.trust(sender_, std::nullopt); }
  void restart() {
    const auto saved = reader_.save(sender_id(sender_), {now_});
    reader_.distrust(sender_);
    (void)reader_.trust(sender_, std::nullopt);
    if (!reader_.restore(sender_id(sender_), saved, {now_})) std::abort();
    if (reader_.save(sender_id(sender_), {now_}) != saved) std::abort();
  }

 private:
  void look() {
    for (const auto& event : std::exchange(events_, {})) {
      const auto* one = std::get_if<Delivered>(&event);
      if (one != nullptr && !came_.emplace(one->topic, one->epoch, one->counter).second) {
        std::abort();
      }
    }
  }

  const crypto::PublicKey& sender_ = fuzz::identity(1).public_key;
  Instant now_{};
  Events events_;
  std::set<std::tuple<std::string, std::uint64_t, std::uint64_t>> came_;
  channel::Reader reader_{
      fuzz::identity(2),
      {[](auto&, auto topic) { return topic != "no"; }, [](auto topic) { return topic != "b"; }}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world = make_world();
  sts::Reader in({data, size});
  Following reader;
  while (!in.empty()) {
    const auto what = *in.u8();
    const auto which = in.u8().value_or(0);
    const bool retained = what >= 128;
    Publication one = world.genuine[which % world.genuine.size()];
    switch (what % 8) {
      case 0:
        if ((what & 8U) != 0) {
          reader.restart();
        } else {
          reader.advance(std::chrono::seconds(which));
        }
        continue;
      case 1: {  // any bytes
        one.payload = to_bytes(*in.take(std::min<std::size_t>(which, in.left())));
        one.keys = what >= 64;
        break;
      }
      case 2: {  // a changed byte
        if (one.payload.empty()) break;
        const auto at = in.u8().value_or(0) * 3U;
        one.payload[at % one.payload.size()] ^= in.u8().value_or(0);
        break;
      }
      case 3:
        one.topic = which % 2 == 0 ? "a" : "no";
        break;
      case 4: {  // any plaintext
        one.topic = which % 2 == 0 ? "a" : "c";
        const std::uint64_t counter = in.u8().value_or(0) * (what >= 64 ? 5003U : 1U);
        const auto plaintext = in.take(std::min<std::size_t>(which / 2U, in.left()));
        one.payload = seal(world, one.topic, counter, *plaintext);
        one.keys = false;
        break;
      }
      default:
        break;
    }
    reader.take(one, retained);
  }
  reader.end();
  return 0;
}
