// The test vectors of docs/protocol.md: whole sessions with fixed keys, all bytes compared with
// tests/data/sts2-session.json. STS_WRITE_VECTORS=1 writes the file instead.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hex.h"
#include "crypto/aead.h"
#include "noise/handshake_state.h"
#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

using Json = nlohmann::ordered_json;
using Node = Network::Node;

/// Remembers the ephemeral private keys that it gave out.
class RecordingRandom : public Random {
 public:
  explicit RecordingRandom(std::uint64_t seed) : random_(seed) {}
  void fill(MutableBytes out) override {
    random_.fill(out);
    if (out.size() == crypto::PrivateKey::size) ephemerals.push_back(to_bytes(out));
  }
  std::vector<Bytes> ephemerals;

 private:
  crypto::SeededRandom random_;
};

class FixedRandom : public Random {
 public:
  explicit FixedRandom(const Bytes& bytes) : bytes_(bytes) {}
  void fill(MutableBytes out) override { std::ranges::copy(bytes_, out.begin()); }

 private:
  Bytes bytes_;
};

constexpr std::uint8_t psk_byte = 0x5A;

/// A pair of endpoints whose conversation becomes one entry of the file.
struct Recorder : Network {
  explicit Recorder(std::uint8_t psk_fill)
      : psk(psk_fill),
        i(add(made(noise::Role::initiator, 1, 2, &random_i))),
        r(add(made(noise::Role::responder, 2, 1, &random_r))) {
    tap = [this](auto&) {
      if (losing) lost.insert(recorded.size() - 1);
      return !losing;
    };
  }

  NodeOptions made(noise::Role role, std::uint64_t own, std::uint64_t other, Random* random) {
    NodeOptions out{.role = role, .identity = own, .peers = {{other, psk}}};
    out.topics = test_topics("plant/valve/up", "plant/valve/down");
    out.limits.heartbeat = 0s;
    out.random = random;
    return out;
  }
  void say(Node from, std::string_view text) { ASSERT_TRUE(send(from, from == i ? r : i, text)); }
  void lose(Node from, std::string_view text) {
    losing = true;
    say(from, text);
    losing = false;
  }

  std::uint8_t psk;
  RecordingRandom random_i{11}, random_r{22};
  bool losing = false;
  std::set<std::size_t> lost;
  Bytes will, will_ephemeral;
  Node i, r;
};

void short_session(Recorder& net) {
  net.online(net.r);
  net.run();
  net.online(net.i);
  net.run();
  net.say(net.i, "hello");
  net.say(net.r, "good day");
  net.run_for(1s);
}

/// What the broker publishes when `from` has died.
void die(Recorder& net, Node from) {
  net.offline(from);
  const auto to = from == net.i ? net.r : net.i;
  net.recorded.push_back({from, to, net.will});
  net.inject(to, net.will);
}

void session_with_a_will(Recorder& net, Node owner) {
  net.will = *net.endpoint(owner).wills().seal(as_bytes("the valve is shut"));
  auto& ephemerals = (owner == net.i ? net.random_i : net.random_r).ephemerals;
  net.will_ephemeral = std::exchange(ephemerals, {}).at(0);
  short_session(net);
  die(net, owner);
}

void will_of_the_initiator(Recorder& net) { session_with_a_will(net, net.i); }
void will_of_the_responder(Recorder& net) { session_with_a_will(net, net.r); }

void long_session(Recorder& net) {
  short_session(net);
  net.say(net.i, "");
  net.run_for(1s);
  // Messages that wait share a frame.
  net.offline(net.i);
  for (const auto* text : {"one", "two", "three"}) net.say(net.i, text);
  net.online(net.i);
  net.run_for(1s);
  // A hole that the next frame shows, and a lost tail that only PING shows.
  net.lose(net.r, "lost");
  net.say(net.r, "after");
  net.run_for(2s);
  net.lose(net.i, "tail");
  net.run_for(10s);
  // New keys, with a message on the way: a probe comes too late for it.
  net.run_for(1h - 17s);
  net.lose(net.i, "across the rekey");
  net.run_for(1min);
  net.say(net.i, "new keys");
  net.say(net.r, "new keys here too");
  net.run_for(1s);
  net.kill(net.i, net.r);
  net.run_for(1s);
}

std::string describe(const Records& records) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  const auto resume = [](const std::optional<Resume>& at) {
    return at ? " stream " + to_hex(at->id) + " generation " + std::to_string(at->generation) +
                    " first " + std::to_string(at->first)
              : std::string();
  };
  if (records.ack) {
    add("ACK next " + std::to_string(records.ack->next) + " gap_end " +
        std::to_string(records.ack->gap_end));
  }
  if (records.resent) {
    add("RESENT number " + std::to_string(records.resent->number) + " gap " +
        std::to_string(records.resent->gap));
  }
  if (records.vouch) add("VOUCH " + to_hex(*records.vouch));
  if (records.ping) add("PING");
  if (records.will) add("WILL " + to_hex(*records.will));
  if (records.end) add("END");
  if (records.kill) add("KILL");
  for (const auto& message : records.messages) {
    add("\"" + std::string(as_text(message.body)) + "\"");
  }
  if (records.confirm) add("CONFIRM" + resume(records.confirm->resume));
  return out;
}

/// What the endpoints keep to themselves of one handshake.
struct Handshake {
  SessionIndex initiator, responder;
  crypto::Secret<32> to_responder, to_initiator;
  Json json;
};

/// Does the handshake again from the responder's side.
Handshake redo(Recorder& net, std::size_t number, const InitReq& init_req, const InitAck& init_ack,
               const KeyAck& key_ack) {
  const auto identity = key_pair(2);
  const auto psk = test_psk(net.psk);
  noise::HandshakeState::Known known;
  known.local_static = &identity;
  known.psk = [&](const crypto::PublicKey*) { return &psk; };
  const auto& topics = net.options(net.i).topics;
  noise::HandshakeState state(noise::XXpsk3, noise::Role::responder, prologue(topics),
                              std::move(known));
  FixedRandom ephemeral(net.random_r.ephemerals.at(number));
  const auto initiator = decode_index(*state.read_message(init_req.message_1));
  EXPECT_EQ(initiator, init_ack.receiver);
  EXPECT_EQ(*state.write_message(encode_index(key_ack.receiver), ephemeral),
            Bytes(init_ack.message_2.begin(), init_ack.message_2.end()));
  const auto payload = state.read_message(key_ack.message_3);
  EXPECT_TRUE(payload);

  Handshake out{init_ack.receiver, key_ack.receiver, {}, {}, {}};
  out.json["initiator_index"] = out.initiator.value;
  out.json["responder_index"] = out.responder.value;
  out.json["initiator_ephemeral_private_key"] = to_hex(net.random_i.ephemerals.at(number));
  out.json["responder_ephemeral_private_key"] = to_hex(net.random_r.ephemerals.at(number));
  out.json["message_3_payload"] = to_hex(*payload);
  out.json["handshake_hash"] = to_hex(state.handshake_hash());
  auto transport = std::move(state).split();
  out.to_responder = std::move(transport.receive).take_key();
  out.to_initiator = std::move(transport.send).take_key();
  out.json["key_initiator_to_responder"] = to_hex(out.to_responder.bytes());
  out.json["key_responder_to_initiator"] = to_hex(out.to_initiator.bytes());
  return out;
}

class Transcript {
 public:
  explicit Transcript(Recorder& net) : net_(net) {
    for (std::size_t n = 0; n < net.recorded.size(); ++n) add(n);
  }
  Json handshakes() const {
    Json out = Json::array();
    for (const auto& handshake : handshakes_) out.push_back(handshake.json);
    return out;
  }
  Json frames = Json::array();

 private:
  void add(std::size_t n) {
    const auto& frame = net_.recorded[n];
    Json json;
    json["from"] = frame.from == net_.i ? "initiator" : "responder";
    const auto decoded = decode(frame.bytes);
    ASSERT_TRUE(decoded);
    std::visit([&](const auto& it) { json["type"] = name(it); }, *decoded);
    json["frame"] = to_hex(frame.bytes);
    if (net_.lost.contains(n)) json["lost"] = true;
    if (const auto* it = std::get_if<InitReq>(&*decoded)) init_req_ = *it;
    if (const auto* it = std::get_if<InitAck>(&*decoded)) init_ack_ = *it;
    if (const auto* it = std::get_if<KeyAck>(&*decoded)) {
      handshakes_.push_back(redo(net_, handshakes_.size(), init_req_, init_ack_, *it));
    }
    if (const auto* it = std::get_if<Enc>(&*decoded)) open(*it, json);
    if (const auto* it = std::get_if<Will>(&*decoded)) open(*it, json);
    frames.push_back(std::move(json));
  }

  void open(const Enc& enc, Json& json) {
    const bool to_responder = enc.type == FrameType::enc_from_initiator;
    const auto found = std::ranges::find(
        handshakes_, enc.receiver, to_responder ? &Handshake::responder : &Handshake::initiator);
    ASSERT_NE(found, handshakes_.end());
    const auto& topics = net_.options(net_.i).topics;
    Bytes associated_data = to_bytes(enc.header);
    append(associated_data,
           to_responder ? topics.initiator_to_responder : topics.responder_to_initiator);
    Bytes records;
    ASSERT_TRUE(crypto::aead_open(to_responder ? found->to_responder : found->to_initiator,
                                  enc.counter, associated_data, enc.ciphertext, records));
    const auto decoded = decode_records(records);
    ASSERT_TRUE(decoded);
    json["handshake"] = found - handshakes_.begin();
    json["counter"] = enc.counter;
    json["associated_data"] = to_hex(associated_data);
    json["records"] = to_hex(records);
    json["meaning"] = describe(*decoded);
  }

  void open(const Will& will, Json& json) {
    const bool initiators = will.type == FrameType::will_from_initiator;
    Bytes bound = to_bytes(as_bytes("STS 2 will"));
    append(bound, will.header);
    put_topics(bound, net_.options(net_.i).topics);
    const auto own = key_pair(initiators ? 2 : 1);
    const auto psk = test_psk(net_.psk);
    noise::HandshakeState state(
        noise::Kpsk0, noise::Role::responder, bound,
        {&own, key_pair(initiators ? 1 : 2).public_key, [&](auto*) { return &psk; }});
    const auto records = state.read_message(will.message);
    ASSERT_TRUE(records);
    json["ephemeral_private_key"] = to_hex(net_.will_ephemeral);
    json["prologue"] = to_hex(bound);
    json["records"] = to_hex(*records);
    json["meaning"] = describe(*decode_records(*records));
  }

  static const char* name(const Hello&) { return "HELLO"; }
  static const char* name(const InitReq&) { return "INITREQ"; }
  static const char* name(const InitAck&) { return "INITACK"; }
  static const char* name(const KeyAck&) { return "KEYACK"; }
  static const char* name(const Enc&) { return "ENC"; }
  static const char* name(const Will&) { return "WILL"; }

  Recorder& net_;
  InitReq init_req_{};
  InitAck init_ack_{};
  std::vector<Handshake> handshakes_;
};

Json identity(std::uint64_t seed) {
  const auto pair = key_pair(seed);
  return {{"private_key", to_hex(pair.private_key.bytes())},
          {"public_key", to_hex(pair.public_key.view())}};
}

Json session(const char* name, std::uint8_t psk, void (*script)(Recorder&)) {
  Recorder net(psk);
  script(net);
  const Transcript transcript(net);
  const auto& topics = net.options(net.i).topics;
  Json out;
  out["name"] = name;
  out["initiator"] = identity(1);
  out["responder"] = identity(2);
  out["psk"] = to_hex(test_psk(psk).bytes());
  out["topic_initiator_to_responder"] = as_text(topics.initiator_to_responder);
  out["topic_responder_to_initiator"] = as_text(topics.responder_to_initiator);
  out["prologue"] = to_hex(prologue(topics));
  out["handshakes"] = transcript.handshakes();
  out["frames"] = transcript.frames;
  out["delivered_to_responder"] = net.received(net.r);
  out["delivered_to_initiator"] = net.received(net.i);
  for (const auto& [who, node] : {std::pair{"responder", net.r}, std::pair{"initiator", net.i}}) {
    for (const auto& will : net.all<LastWill>(node)) {
      EXPECT_TRUE(will.announced);
      out["will_shown_to"] = who;
    }
  }
  return out;
}

Json vectors() {
  Json out;
  out["protocol"] =
      "STS 2 session, Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b and, for wills, "
      "Noise_Kpsk0_25519_ChaChaPoly_BLAKE2b";
  out["comment"] = {
      "Bytes are hex. Frames stand in the order in which they were published; \"lost\" ones did "
      "not arrive.",
      "A handshake's INITREQ, INITACK and KEYACK hold the ephemeral keys given there; "
      "message_3_payload is what KEYACK carries (a Resume, or nothing).",
      "Of an ENC, \"handshake\" says whose keys seal it, \"associated_data\" is header and topic, "
      "and \"records\" the plaintext, told in words as \"meaning\". "
      R"(Of a WILL, "prologue" is that of its Noise message, and "records" its payload.)",
      "tests/vectors_check.py opens all of it from the rules in docs/protocol.md alone."};
  out["sessions"] = {
      session("without a PSK", 0, short_session),
      session("with a PSK, loss, a rekey and KILL", psk_byte, long_session),
      session("with a will of the initiator", 0, will_of_the_initiator),
      session("with a will of the responder, and a PSK", psk_byte, will_of_the_responder)};
  return out;
}

TEST(Vectors, AreWhatTheCodeDoes) {
  const std::string path = STS_SOURCE_DIR "/tests/data/sts2-session.json";
  const Json now = vectors();
  if (std::getenv("STS_WRITE_VECTORS") != nullptr) std::ofstream(path) << now.dump(2) << '\n';
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " is missing; STS_WRITE_VECTORS=1 writes it";
  EXPECT_EQ(Json::parse(file), now) << "the protocol changed on the wire";
}

TEST(Vectors, ShowEverything) {
  std::string all;
  const Json everything = vectors();
  for (const auto& session : everything["sessions"]) {
    for (const auto& frame : session["frames"]) {
      all += frame["type"].get<std::string>() + ' ' + frame.value("meaning", "") + '\n';
    }
  }
  for (const auto* what : {"HELLO", "INITREQ", "INITACK", "KEYACK", "CONFIRM stream", "ACK next",
                           "RESENT", "VOUCH", "PING", "END", "PING, WILL",
                           "WILL \"the valve is shut\"", "KILL", R"("one", "two", "three")"}) {
    EXPECT_NE(all.find(what), std::string::npos) << what << "\n" << all;
  }
}

}  // namespace
}  // namespace sts::protocol
