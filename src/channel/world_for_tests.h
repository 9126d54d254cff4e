// Senders, readers and a broker that does what a test tells it to, in simulated time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "channel/frame.h"
#include "channel/reader.h"
#include "channel/sender.h"
#include "crypto/aead.h"
#include "crypto/random.h"

namespace sts::channel {

inline crypto::KeyPair test_identity(std::uint64_t seed) {
  crypto::SeededRandom random(seed);
  return crypto::KeyPair::generate(random);
}

/// One reader: its own events, taken apart.
struct TestReader {
  explicit TestReader(std::uint64_t seed) : identity(test_identity(seed)) { restart(); }

  /// A new process that knows nothing.
  void restart() {
    reader = std::make_unique<Reader>(
        identity, ReaderRules{[this](auto&, auto topic) { return !forbidden.contains(topic); },
                              [this](auto topic) { return !not_subscribed.contains(topic); }});
  }

  /// A new process that knows of `sender` what a process before has saved.
  void restart(const crypto::PublicKey& sender, ByteView saved, const Moment& at) {
    restart();
    EXPECT_TRUE(reader->trust(sender, std::nullopt));
    EXPECT_TRUE(reader->restore(sender_id(sender), saved, at));
  }

  void advance(Instant now) {
    reader->advance(now, events);
    look();
  }

  /// Takes the events apart.
  void look() {
    for (auto& event : std::exchange(events, {})) {
      if (auto* delivered = std::get_if<Delivered>(&event)) {
        heard.push_back(*delivered);
      } else if (auto* will = std::get_if<Will>(&event)) {
        wills.push_back(*will);
      } else {
        notices.push_back(std::get<Notice>(event));
      }
    }
  }

  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& one : heard) out.emplace_back(as_text(one.payload));
    return out;
  }
  std::uint64_t count(NoticeKind kind) const {
    std::uint64_t out = 0;
    for (const auto& notice : notices) out += notice.kind == kind ? notice.count : 0;
    return out;
  }
  Counts counts(std::string_view topic) const {
    for (const auto& report : reader->report()) {
      if (report.topic == topic) return report.counts;
    }
    return {};
  }

  crypto::KeyPair identity;
  std::set<std::string, std::less<>> forbidden, not_subscribed;
  std::unique_ptr<Reader> reader;
  Events events;
  std::vector<Delivered> heard;
  std::vector<Will> wills;
  std::vector<Notice> notices;
};

/// An epoch's key as one of its readers knows it, who may use it to speak as the sender.
struct KnownKey {
  KnownKey(const TestReader& reader, const crypto::PublicKey& sender, ByteView payload) {
    const auto packet = decode_key_packet(payload);
    const auto shared = crypto::dh(reader.identity.private_key, sender);
    const WrapContext who{reader.identity, sender, *shared};
    key = std::move(*open_wrap(find_wraps(*packet, who).at(0), packet->header_bytes, who));
    id = key_id(key, packet->header_bytes);
  }
  Bytes seal(std::string_view topic, std::uint64_t counter, ByteView plaintext) const {
    Bytes out;
    put_message_header(out, id, counter);
    const Bytes header = out;
    crypto::aead_seal(message_key(key, topic), counter, header, plaintext, out);
    return out;
  }

  EpochKey key;
  KeyId id;
};

/// One publication on its way.
struct Publication {
  std::string topic;
  Bytes payload;
  bool retain = false;
};

class World {
 public:
  explicit World(SenderOptions options = {}) : options_(std::move(options)) { restart_sender(); }

  void restart_sender() { sender = std::make_unique<Sender>(identity, options_, random); }

  TestReader& add_reader(bool trusted = true) {
    auto& added = *readers.emplace_back(std::make_unique<TestReader>(100 + readers.size()));
    EXPECT_TRUE(added.reader->trust(identity.public_key, std::nullopt));
    if (trusted) members.push_back({added.identity.public_key});
    return added;
  }
  void remove_reader(const TestReader& reader) {
    std::erase_if(members, [&](auto& one) { return one.key == reader.identity.public_key; });
  }

  /// The next epoch, and everything it publishes.
  std::vector<Publication> begin_epoch() {
    ++number;
    auto packets = sender->begin_epoch(members, number, 1000 * number, now);
    EXPECT_TRUE(packets);
    std::vector<Publication> out;
    for (auto& [topic, payload] : *packets) out.push_back({topic, payload, true});
    return out;
  }
  Publication seal(std::string_view topic, std::string_view text, bool retain = false) {
    auto sealed = sender->seal(topic, {.payload = as_bytes(text), .retained = retain}, now);
    EXPECT_TRUE(sealed);
    return {std::string(topic), *sealed, retain};
  }

  /// An honest broker: everybody is subscribed to everything.
  void publish(const Publication& one) {
    if (one.retain && one.payload.empty()) {
      retained.erase(one.topic);
    } else if (one.retain) {
      retained[one.topic] = one.payload;
    }
    for (auto& reader : readers) deliver(*reader, one, false);
  }
  void publish(const std::vector<Publication>& all) {
    for (const auto& one : all) publish(one);
  }
  void say(std::string_view topic, std::string_view text, bool retain = false) {
    publish(seal(topic, text, retain));
  }
  crypto::WipedBytes save(const TestReader& reader) const {
    return reader.reader->save(sender_id(identity.public_key), {now});
  }
  void restart(TestReader& reader) { reader.restart(identity.public_key, save(reader), {now}); }
  /// What a broker sends for a new subscription.
  void subscribe(TestReader& reader) {
    for (const bool keys : {true, false}) {
      for (const auto& [topic, payload] : retained) {
        if (is_keys(topic) == keys) deliver(reader, {topic, payload, true}, true);
      }
    }
  }

  void deliver(TestReader& to, const Publication& one, bool because_subscribed) {
    const Arrival arrival{one.topic, one.payload, because_subscribed};
    if (const auto from = sender_of_key_topic(default_key_prefix, one.topic)) {
      to.reader->take_keys(*from, arrival, now, to.events);
    } else {
      to.reader->take(arrival, now, to.events);
    }
    to.look();
  }
  static bool is_keys(const std::string& topic) {
    return sender_of_key_topic(default_key_prefix, topic).has_value();
  }

  crypto::SeededRandom random{7};
  crypto::KeyPair identity = test_identity(1);
  Instant now{};
  std::uint64_t number = 0;
  std::unique_ptr<Sender> sender;
  std::vector<Recipient> members;
  std::vector<std::unique_ptr<TestReader>> readers;
  std::map<std::string, Bytes> retained;

 private:
  SenderOptions options_;
};

}  // namespace sts::channel
