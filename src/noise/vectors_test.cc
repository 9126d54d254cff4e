// The published vectors of other implementations, for many patterns: what makes one pattern go
// wrong seldom makes all go wrong.
#include "vectors.h"

#include <gtest/gtest.h>

#include <map>

#include "base/hex.h"
#include "noise/handshake_state.h"

namespace sts::noise {
namespace {

using enum Token;

/// A pattern as the standard writes it, in a form that owns its lists.
struct Written {
  std::vector<Token> initiator, responder;
  std::vector<std::vector<Token>> messages;
};

const std::map<std::string, Written> patterns{
    {"N", {{}, {s}, {{e, es}}}},
    {"K", {{s}, {s}, {{e, es, ss}}}},
    {"X", {{}, {s}, {{e, es, s, ss}}}},
    {"NK", {{}, {s}, {{e, es}, {e, ee}}}},
    {"KK", {{s}, {s}, {{e, es, ss}, {e, ee, se}}}},
    {"XK", {{}, {s}, {{e, es}, {e, ee}, {s, se}}}},
    {"IK", {{}, {s}, {{e, es, s, ss}, {e, ee, se}}}},
    {"IX", {{}, {}, {{e, s}, {e, ee, se, s, es}}}},
    {"XX", {{}, {}, {{e}, {e, ee, s, es}, {s, se}}}},
    {"NNpsk0", {{}, {}, {{psk, e}, {e, ee}}}},
    {"XKpsk3", {{}, {s}, {{e, es}, {e, ee}, {s, se, psk}}}},
    {"KKpsk2", {{s}, {s}, {{e, es, ss}, {e, ee, se, psk}}}},
    {"IKpsk1", {{}, {s}, {{e, es, s, ss, psk}, {e, ee, se}}}},
    {"IKpsk2", {{}, {s}, {{e, es, s, ss}, {e, ee, se, psk}}}},
    {"Xpsk1", {{}, {s}, {{e, es, s, ss, psk}}}},
};

Bytes hex(const nlohmann::json& text) { return from_hex(text.get<std::string>()).value(); }

template <typename Key>
Key secret(const nlohmann::json& text) {
  const auto bytes = hex(text);
  return Key(std::span<const std::uint8_t, 32>{bytes});
}

/// Hands out the ephemeral key of the vector.
class Fixed : public Random {
 public:
  explicit Fixed(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(MutableBytes out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), out.begin());
  }

 private:
  Bytes bytes_;
};

/// One side of a vector, with all that belongs to it.
struct Side {
  std::optional<crypto::KeyPair> local_static;
  std::optional<crypto::Psk> psk;
  Fixed ephemeral{{}};
  std::optional<HandshakeState> handshake;
  std::optional<HandshakeState::Transport> transport;

  void begin(const Pattern& pattern, Role role, const nlohmann::json& vector) {
    const std::string prefix = role == Role::initiator ? "init_" : "resp_";
    HandshakeState::Known known;
    if (const auto key = vector.find(prefix + "static"); key != vector.end()) {
      local_static = crypto::KeyPair::from(secret<crypto::PrivateKey>(*key));
      known.local_static = &*local_static;
    }
    if (const auto key = vector.find(prefix + "remote_static"); key != vector.end()) {
      std::ranges::copy(hex(*key), known.remote_static.emplace().bytes.begin());
    }
    if (const auto psks = vector.find(prefix + "psks"); psks != vector.end()) {
      psk = secret<crypto::Psk>(psks->at(0));
      known.psk = [this](const crypto::PublicKey*) { return &*psk; };
    }
    if (const auto key = vector.find(prefix + "ephemeral"); key != vector.end()) {
      ephemeral = Fixed(hex(*key));
    }
    handshake.emplace(pattern, role, hex(vector.at(prefix + "prologue")), std::move(known));
  }
};

void run(const Pattern& pattern, const nlohmann::json& vector) {
  Side initiator, responder;
  initiator.begin(pattern, Role::initiator, vector);
  responder.begin(pattern, Role::responder, vector);
  const auto handshake_messages = pattern.messages.size();
  const auto& messages = vector.at("messages");
  ASSERT_GT(messages.size(), handshake_messages);

  for (std::size_t i = 0; i < messages.size(); ++i) {
    SCOPED_TRACE("message " + std::to_string(i));
    const auto payload = hex(messages[i].at("payload"));
    const auto ciphertext = hex(messages[i].at("ciphertext"));
    const bool initiators_turn = handshake_messages == 1 || i % 2 == 0;
    auto& writer = initiators_turn ? initiator : responder;
    auto& reader = initiators_turn ? responder : initiator;
    if (i < handshake_messages) {
      ASSERT_EQ(writer.handshake->write_message(payload, writer.ephemeral).value(), ciphertext);
      ASSERT_EQ(reader.handshake->read_message(ciphertext).value(), payload);
      continue;
    }
    if (i == handshake_messages) {
      for (auto* side : {&initiator, &responder}) {
        ASSERT_TRUE(side->handshake->finished());
        EXPECT_EQ(to_hex(side->handshake->handshake_hash()),
                  vector.at("handshake_hash").get<std::string>());
        side->transport = std::move(*side->handshake).split();
      }
    }
    ASSERT_EQ(writer.transport->send.encrypt_with_ad({}, payload).value(), ciphertext);
    ASSERT_EQ(reader.transport->receive.decrypt_with_ad({}, ciphertext).value(), payload);
  }
}

TEST(Vectors, Cacophony) {
  const auto* file = "noise/cacophony-blake2b.json";
  const auto vectors = load_vectors(file);
  STS_SKIP_WITHOUT(vectors, file);
  int passed = 0;
  for (const auto& vector : vectors->at("vectors")) {
    const auto protocol = vector.at("protocol_name").get<std::string>();
    SCOPED_TRACE(protocol);
    const auto name = protocol.substr(6, protocol.find('_', 6) - 6);
    ASSERT_EQ(protocol, "Noise_" + name + "_25519_ChaChaPoly_BLAKE2b");
    if (name == XXpsk3.name) {
      run(XXpsk3, vector);
    } else if (name == Kpsk0.name) {
      run(Kpsk0, vector);
    } else {
      ASSERT_TRUE(patterns.contains(name));
      const auto& [initiator, responder, lists] = patterns.at(name);
      const std::vector<std::span<const Token>> messages(lists.begin(), lists.end());
      run({name, initiator, responder, messages, name.find("psk") != std::string::npos}, vector);
    }
    if (HasFatalFailure()) return;
    ++passed;
  }
  EXPECT_EQ(passed, vectors->at("vectors").size());
  std::cout << passed << " vectors passed\n";
}

}  // namespace
}  // namespace sts::noise
