#include "noise/handshake_state.h"

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace sts::noise {
namespace {

constexpr std::array<std::size_t, 3> overhead{32 + 16, 32 + (32 + 16) + 16, (32 + 16) + 16};

/// Two sides of XXpsk3 that agree on everything, unless a test changes that before begin().
class HandshakeTest : public testing::Test {
 protected:
  void SetUp() override { begin(); }

  void begin() {
    initiator.emplace(
        XXpsk3, Role::initiator, as_bytes("prologue"),
        HandshakeState::Known{.local_static = &initiator_key, .psk = [this](const auto* peer) {
                                return asked(initiator_was_told, peer, initiator_psk);
                              }});
    responder.emplace(
        XXpsk3, Role::responder, as_bytes(responder_prologue),
        HandshakeState::Known{.local_static = &responder_key, .psk = [this](const auto* peer) {
                                return asked(responder_was_told, peer, responder_psk);
                              }});
  }

  static const crypto::Psk* asked(std::optional<crypto::PublicKey>& told,
                                  const crypto::PublicKey* peer, const crypto::Psk* answer) {
    if (peer != nullptr) told = *peer;
    return answer;
  }

  HandshakeState& writer(std::size_t i) { return i % 2 == 0 ? *initiator : *responder; }
  HandshakeState& reader(std::size_t i) { return i % 2 == 0 ? *responder : *initiator; }

  Bytes write(std::size_t i, std::string_view payload = {}) {
    return writer(i).write_message(as_bytes(payload), random).value();
  }

  /// Carries messages 0 to `count` - 1 over.
  void exchange(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(reader(i).read_message(write(i)));
  }

  static Errc read_error(const HandshakeState& reader, ByteView message) {
    const auto payload = reader.clone().read_message(message);
    EXPECT_FALSE(payload);
    return payload ? Errc{-1} : payload.error().code;
  }

  crypto::SeededRandom random{1};
  crypto::KeyPair initiator_key = crypto::KeyPair::generate(random);
  crypto::KeyPair responder_key = crypto::KeyPair::generate(random);
  crypto::Psk psk, other_psk{crypto::KeyPair::generate(random).private_key.Secret::clone()};
  const crypto::Psk* initiator_psk = &psk;
  const crypto::Psk* responder_psk = &psk;
  std::string_view responder_prologue = "prologue";
  std::optional<crypto::PublicKey> initiator_was_told, responder_was_told;
  std::optional<HandshakeState> initiator, responder;
};

TEST_F(HandshakeTest, EndsWithTheSameHashAndMatchingKeys) {
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(initiator->finished());
    const auto message = write(i, "payload");
    EXPECT_EQ(message.size(), overhead[i] + 7);
    EXPECT_EQ(reader(i).read_message(message).value(), to_bytes(as_bytes("payload")));
  }
  ASSERT_TRUE(initiator->finished() && responder->finished());
  EXPECT_EQ(initiator->handshake_hash(), responder->handshake_hash());
  EXPECT_EQ(initiator->remote_static(), responder_key.public_key);
  EXPECT_EQ(responder->remote_static(), initiator_key.public_key);
  EXPECT_EQ(initiator_was_told, responder_key.public_key);
  EXPECT_EQ(responder_was_told, initiator_key.public_key);

  auto [initiator_send, initiator_receive] = std::move(*initiator).split();
  auto [responder_send, responder_receive] = std::move(*responder).split();
  const auto up = std::move(initiator_send).take_key();
  const auto down = std::move(responder_send).take_key();
  EXPECT_TRUE(up == std::move(responder_receive).take_key());
  EXPECT_TRUE(down == std::move(initiator_receive).take_key());
  EXPECT_FALSE(up == down);
}

TEST_F(HandshakeTest, RefusesEveryMessageThatIsCutShort) {
  for (std::size_t i = 0; i < 3; ++i) {
    const auto message = write(i, "payload");
    for (std::size_t size = 0; size < message.size(); ++size) {
      EXPECT_EQ(read_error(reader(i), ByteView(message).first(size)),
                size < overhead[i] ? Errc::malformed : Errc::refused)
          << "message " << i << " cut to " << size;
    }
    ASSERT_TRUE(reader(i).read_message(message));
  }
}

TEST_F(HandshakeTest, RefusesEveryMessageThatWasChanged) {
  for (std::size_t i = 0; i < 3; ++i) {
    const auto message = write(i, "payload");
    for (std::size_t at = 0; at < message.size(); ++at) {
      for (const auto bit : {0x01, 0x80}) {
        auto changed = message;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ bit);
        EXPECT_EQ(read_error(reader(i), changed), Errc::refused) << "message " << i << " at " << at;
      }
    }
    auto longer = message;
    longer.push_back(0);
    EXPECT_EQ(read_error(reader(i), longer), Errc::refused);
    ASSERT_TRUE(reader(i).read_message(message));
  }
}

TEST_F(HandshakeTest, AGoodMessageIsReadAfterABadOneWasReadIntoAClone) {
  for (std::size_t i = 0; i < 3; ++i) {
    const auto message = write(i);
    auto forged = message;
    forged.back() ^= 1;
    EXPECT_EQ(read_error(reader(i), forged), Errc::refused);
    auto clone = reader(i).clone();
    ASSERT_TRUE(clone.read_message(message));
    ASSERT_TRUE(reader(i).read_message(message));
    EXPECT_EQ(clone.handshake_hash(), reader(i).handshake_hash());
    reader(i) = std::move(clone);
  }
  EXPECT_EQ(initiator->handshake_hash(), responder->handshake_hash());
  EXPECT_TRUE(std::move(*initiator).split().send.take_key() ==
              std::move(*responder).split().receive.take_key());
}

TEST_F(HandshakeTest, ACloneWritesTheSameFromTheSameRandomness) {
  exchange(1);
  crypto::SeededRandom a(7), b(7), c(8);
  const auto message = responder->clone().write_message({}, a).value();
  EXPECT_EQ(responder->clone().write_message({}, b).value(), message);
  EXPECT_NE(responder->clone().write_message({}, c).value(), message);
}

TEST_F(HandshakeTest, AWrongPskIsRefusedInTheThirdMessage) {
  responder_psk = &other_psk;
  exchange(2);
  EXPECT_EQ(read_error(*responder, write(2)), Errc::refused);
  EXPECT_EQ(responder_was_told, initiator_key.public_key);
}

TEST_F(HandshakeTest, APeerWithoutPskIsRefusedByWhoeverIsAsked) {
  exchange(2);
  auto other = initiator->clone();
  const auto message = write(2);
  responder_psk = nullptr;
  EXPECT_EQ(read_error(*responder, message), Errc::refused);
  initiator_psk = nullptr;
  const auto refused = other.write_message({}, random);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
}

TEST_F(HandshakeTest, AnotherPrologueIsRefusedInTheFirstMessage) {
  responder_prologue = "Prologue";
  begin();
  EXPECT_EQ(read_error(*responder, write(0)), Errc::refused);
}

TEST_F(HandshakeTest, AnEphemeralKeyOfSmallOrderIsRefused) {
  exchange(1);
  auto message = write(1);
  std::fill_n(message.begin(), 32, std::uint8_t{0});
  EXPECT_EQ(read_error(*initiator, message), Errc::refused);
}

TEST_F(HandshakeTest, MessagesAreBounded) {
  const std::string largest(65535 - overhead[0], 'x');
  auto clone = initiator->clone();
  EXPECT_EQ(clone.write_message(as_bytes(largest + 'x'), random).error().code, Errc::limit);
  const auto message = write(0, largest);
  EXPECT_EQ(message.size(), 65535U);
  EXPECT_EQ(read_error(*responder, Bytes(65536)), Errc::malformed);
  EXPECT_EQ(responder->read_message(message).value(), to_bytes(as_bytes(largest)));
}

TEST_F(HandshakeTest, MisuseEndsTheProgram) {
  EXPECT_DEATH(write(1), "");
  EXPECT_DEATH(static_cast<void>(initiator->read_message({})), "");
  EXPECT_DEATH(static_cast<void>(std::move(*initiator).split()), "");
  EXPECT_DEATH(HandshakeState(XXpsk3, Role::initiator, {}, {.local_static = &initiator_key}), "");
  exchange(3);
  EXPECT_DEATH(static_cast<void>(responder->read_message({})), "");
}

}  // namespace
}  // namespace sts::noise
