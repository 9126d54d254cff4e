// The test vectors of docs/protocol.md, "Channels": epochs with fixed keys, all bytes compared with
// tests/data/sts2-channel.json. STS_WRITE_VECTORS=1 writes the file instead.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "channel/frame.h"
#include "channel/world_for_tests.h"
#include "crypto/aead.h"

namespace sts::channel {
namespace {

using Json = nlohmann::ordered_json;

/// Remembers the keys that it gave out.
class RecordingRandom : public Random {
 public:
  void fill(MutableBytes out) override {
    random_.fill(out);
    if (out.size() == EpochKey::size) keys.push_back(to_bytes(out));
  }
  std::vector<Bytes> keys;  // the epoch's, then an ephemeral one for each wrap

 private:
  crypto::SeededRandom random_{33};
};

Json identity(std::uint64_t seed) {
  const auto pair = test_identity(seed);
  return {{"private_key", to_hex(pair.private_key.bytes())},
          {"public_key", to_hex(pair.public_key.view())}};
}

Json describe(const Content& content) {
  Json out = Json::object();
  if (content.payload) out["payload"] = as_text(*content.payload);
  if (content.ping) out["ping"] = true;
  if (content.online) out["online"] = to_hex(content.online->bytes);
  if (content.time) out["time"] = *content.time;
  if (content.retained) out["retained"] = true;
  if (content.resealed) {
    out["resealed"] = {{"stream", to_hex(content.resealed->stream.bytes)},
                       {"epoch", content.resealed->epoch},
                       {"counter", content.resealed->counter}};
  }
  if (content.durable) {
    out["durable"] = {{"stream", to_hex(content.durable->stream.bytes)},
                      {"number", content.durable->number}};
  }
  if (content.content_type) out["content_type"] = *content.content_type;
  for (const auto& [name, value] : content.user_properties) {
    out["user_properties"].push_back({name, value});
  }
  return out;
}

const ConnectionId some_connection{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

const auto psk_bytes = [] {
  std::array<std::uint8_t, 32> out{};
  out.fill(0x5A);
  return out;
}();

/// One stream of the sender; what it publishes becomes the file's "epochs".
class Recorder {
 public:
  Recorder(SenderOptions options, RecordingRandom& random, Json& epochs)
      : use_(options.use),
        random_(random),
        epochs_(epochs),
        sender_(self_, std::move(options), random) {}

  void begin(std::uint64_t number) {
    random_.keys.clear();
    const std::array readers{Recipient{one_.public_key}, Recipient{other_.public_key, &psk_}};
    const auto packets = *sender_.begin_epoch(readers, number, 1'700'000'000'000 + number, {});
    const auto packet = decode_key_packet(packets[0].payload);
    ASSERT_TRUE(packet);
    key_ = EpochKey(crypto::Secret<32>(std::span(random_.keys.at(0)).first<32>()));

    Json epoch;
    epoch["epoch"] = number;
    epoch["created"] = packet->header.created;
    epoch["stream"] = to_hex(packet->header.stream.bytes);
    epoch["header"] = to_hex(packet->header_bytes);
    if (packet->header.signing_key) {
      epoch["signing_key"] = to_hex(packet->header.signing_key->bytes);
    }
    if (packet->header.before) {
      epoch["before"]["key_id"] = to_hex(packet->header.before->key.bytes);
      for (const auto& [name, next] : packet->header.before->topics) {
        epoch["before"]["finals"][name] = next;
      }
    }
    epoch["key"] = to_hex(key_.bytes());
    epoch["key_id"] = to_hex(key_id(key_, packet->header_bytes).bytes);
    for (std::size_t i = 1; i < random_.keys.size(); ++i) {
      epoch["ephemeral_private_keys"].push_back(to_hex(random_.keys[i]));
    }
    epoch["key_packet"] = {{"topic", packets[0].topic}, {"payload", to_hex(packets[0].payload)}};
    epoch["use"] = static_cast<int>(use_);
    epoch["frames"] = Json::array();
    epoch["removed"] = Json::array();
    epochs_.push_back(std::move(epoch));
    for (std::size_t i = 1; i < packets.size(); ++i) {
      if (packets[i].payload.empty()) {
        epochs_.back()["removed"].push_back(packets[i].topic);
      } else {
        add(packets[i].topic, packets[i].payload);
      }
    }
  }
  void say(std::string_view topic, const Content& content) {
    add(topic, *sender_.seal(topic, content, {}));
  }
  void skip(std::string_view topic, int messages) {
    for (int i = 0; i < messages; ++i) ASSERT_TRUE(sender_.seal(topic, {.ping = true}, {}));
  }
  void leave_will(std::string_view topic, const Content& content) {
    add(topic, *sender_.seal_will(topic, some_connection, content));
  }

 private:
  void add(std::string_view topic, const Bytes& payload) {
    const auto sealed = decode_sealed(payload);
    ASSERT_TRUE(sealed);
    const bool is_will = sealed->type == FrameType::will;
    const auto key = is_will ? will_key(key_, sealed->connection, topic) : message_key(key_, topic);
    const bool is_signed = epochs_.back().contains("signing_key");
    const auto ciphertext =
        sealed->body.first(sealed->body.size() - (is_signed ? sizeof(crypto::Signature) : 0));
    Bytes plaintext;
    ASSERT_TRUE(crypto::aead_open(key, sealed->counter, sealed->header, ciphertext, plaintext));
    const auto content = decode_content(plaintext);
    ASSERT_TRUE(content);
    Json json;
    json["type"] = is_will ? "WILL" : "MESSAGE";
    json["topic"] = topic;
    json["payload"] = to_hex(payload);
    if (!is_will) json["counter"] = sealed->counter;
    json["key"] = to_hex(key.bytes());
    json["plaintext"] = to_hex(plaintext);
    json["meaning"] = describe(*content);
    epochs_.back()["frames"].push_back(std::move(json));
  }

  crypto::KeyPair self_ = test_identity(1), one_ = test_identity(2), other_ = test_identity(3);
  crypto::Psk psk_{crypto::Secret<32>(std::span(psk_bytes))};
  Use use_;
  RecordingRandom& random_;
  Json& epochs_;
  Sender sender_;
  EpochKey key_;
};

Json vectors() {
  Json out;
  out["protocol"] = "STS 2 channel, Noise_Kpsk0_25519_ChaChaPoly_BLAKE2b, Ed25519";
  out["comment"] = {
      "Bytes are hex. An epoch's key packet holds a wrap for each reader, in this order, with the "
      "ephemeral keys given there; \"use\" is the byte in its mark; \"removed\" are topics whose "
      "retained packet the sender takes away.",
      "Of a frame \"key\" is what seals it, \"plaintext\" its records, \"meaning\" what they say. "
      "Frames stand in the order in which they were published; not all counters were.",
      "tests/channel_vectors_check.py opens all of it from the rules in docs/protocol.md alone."};
  const auto self = test_identity(1);
  out["sender"] = identity(1);
  out["sender"]["id"] = to_hex(sender_id(self.public_key).bytes);
  out["readers"] = {identity(2), identity(3)};
  out["readers"][1]["psk"] = to_hex(psk_bytes);
  out["epochs"] = Json::array();

  RecordingRandom random;
  Recorder plain({}, random, out["epochs"]);
  plain.begin(5);
  plain.say("plant/7/temp", {.online = some_connection});
  plain.leave_will("plant/7/temp", {.payload = as_bytes("gone")});
  plain.say("plant/7/temp", {.payload = as_bytes("21.5")});
  plain.say("plant/7/valve",
            {.payload = as_bytes("shut"), .time = 1'700'000'000'123, .retained = true});
  plain.say("plant/7/temp", {.payload = as_bytes(R"({"c":21})"),
                             .content_type = "application/json",
                             .user_properties = {{"unit", "°C"}, {"unit", "K"}}});
  plain.skip("plant/7/temp", 127);
  plain.say("plant/7/temp", {.payload = as_bytes("")});
  plain.say("plant/7/temp", {.ping = true});
  plain.begin(6);
  plain.say("plant/7/valve", {.payload = as_bytes("open"), .retained = true});

  Recorder with_signature({.pad = Pad::to_16, .sign = true}, random, out["epochs"]);
  with_signature.begin(7);
  with_signature.say("plant/7/temp", {.payload = as_bytes("22.0")});
  with_signature.leave_will("plant/7/temp", {.payload = as_bytes("gone"), .retained = true});
  with_signature.begin(8);
  with_signature.say("plant/7/temp", {.payload = as_bytes("sixteen bytes.."), .time = 1});

  Recorder padme({.pad = Pad::padme, .key_prefix = "other/keys", .use = Use::passing}, random,
                 out["epochs"]);
  padme.begin(9);
  padme.say("a", {.payload = as_bytes("forty bytes of text are padded to 44 B..")});
  padme.say("a", {.payload = as_bytes("kept until it was delivered"),
                  .durable = Durable{{{8, 7, 6, 5, 4, 3, 2, 1}}, 300}});
  return out;
}

TEST(ChannelVectors, AreWhatTheCodeDoes) {
  const std::string path = STS_SOURCE_DIR "/tests/data/sts2-channel.json";
  const Json now = vectors();
  if (std::getenv("STS_WRITE_VECTORS") != nullptr) std::ofstream(path) << now.dump(2) << '\n';
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " is missing; STS_WRITE_VECTORS=1 writes it";
  EXPECT_EQ(Json::parse(file), now) << "the protocol changed on the wire";
}

TEST(ChannelVectors, ShowEverything) {
  const auto all = vectors().dump();
  for (const auto* what :
       {"WILL", "MESSAGE", "signing_key", "finals", "removed", "resealed", "durable", "online",
        "ping", "content_type", "user_properties", "retained", "time"}) {
    EXPECT_NE(all.find('"' + std::string(what) + '"'), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace sts::channel
