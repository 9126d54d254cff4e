#include "protocol/session.h"

#include <gtest/gtest.h>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    const auto handshake = [&](noise::Role role, const crypto::KeyPair& identity) {
      noise::HandshakeState::Known known;
      known.local_static = &identity;
      known.psk = [this](const crypto::PublicKey*) { return &psk_; };
      return noise::HandshakeState(noise::XXpsk3, role, prologue(topics_), std::move(known));
    };
    auto initiator = handshake(noise::Role::initiator, identity_);
    auto responder = handshake(noise::Role::responder, other_);
    EXPECT_TRUE(responder.read_message(*initiator.write_message({}, random_)));
    EXPECT_TRUE(initiator.read_message(*responder.write_message({}, random_)));
    EXPECT_TRUE(responder.read_message(*initiator.write_message({}, random_)));
    initiator_.emplace(std::move(initiator), noise::Role::initiator, SessionIndex{1},
                       SessionIndex{2}, topics_, Limits{}, now_);
    responder_.emplace(std::move(responder), noise::Role::responder, SessionIndex{2},
                       SessionIndex{1}, topics_, Limits{}, now_);
  }

  Result<Bytes> open(Session& session, const Bytes& frame) {
    const auto decoded = decode(frame);
    const auto* enc = decoded ? std::get_if<Enc>(&*decoded) : nullptr;
    if (enc == nullptr) return fail(Errc::malformed, "not an ENC");
    return session.open(*enc, now_);
  }
  static Errc code(const Result<Bytes>& result) {
    EXPECT_FALSE(result);
    return result ? Errc::io : result.error().code;
  }

  crypto::KeyPair identity_ = key_pair(1), other_ = key_pair(2);
  crypto::SeededRandom random_{3};
  crypto::Psk psk_;
  Topics topics_ = test_topics();
  Instant now_{std::chrono::hours(5)};
  std::optional<Session> initiator_, responder_;
};

const Bytes hi{2, 'h', 'i'};

TEST_F(SessionTest, ThePrologueNamesProtocolAndTopics) {
  const Bytes expected = to_bytes(as_bytes(std::string_view("STS 2 session\0\2up\0\4down", 23)));
  EXPECT_EQ(prologue(topics_), expected);
}

TEST_F(SessionTest, OpensWhatTheOtherSealed) {
  EXPECT_EQ(initiator_->handshake_hash(), responder_->handshake_hash());
  EXPECT_EQ(*open(*responder_, *initiator_->seal(hi, now_)), hi);
  EXPECT_EQ(*open(*initiator_, *responder_->seal(hi, now_)), hi);
  EXPECT_EQ(initiator_->sealed(), 1U);
  EXPECT_EQ(initiator_->opened(), 1U);
}

TEST_F(SessionTest, Adds23BytesTo25) {
  // Type 1, index 4, counter 1 to 3, tag 16, and the record's type, which stands inside.
  for (const auto& [counter, size] :
       {std::pair{0U, 22U}, {127U, 22U}, {128U, 23U}, {16383U, 23U}, {16384U, 24U}}) {
    while (initiator_->sealed() < counter) (void)initiator_->seal(hi, now_);
    EXPECT_EQ(initiator_->seal(hi, now_)->size(), hi.size() + size) << counter;
  }
}

TEST_F(SessionTest, RefusesRepeats) {
  const auto frame = *initiator_->seal(hi, now_);
  EXPECT_TRUE(open(*responder_, frame));
  EXPECT_EQ(code(open(*responder_, frame)), Errc::repeated);
}

TEST_F(SessionTest, TakesFramesInAnyOrderWithin2048) {
  std::vector<Bytes> frames;
  for (std::size_t i = 0; i <= 2048; ++i) frames.push_back(*initiator_->seal(hi, now_));
  EXPECT_TRUE(open(*responder_, frames[2048]));
  EXPECT_EQ(code(open(*responder_, frames[0])), Errc::repeated);
  for (std::size_t i = 2047; i >= 1; --i) EXPECT_TRUE(open(*responder_, frames[i])) << i;
  for (const auto& frame : frames) EXPECT_EQ(code(open(*responder_, frame)), Errc::repeated);
}

TEST_F(SessionTest, AnyChangedByteIsRefusedAndChangesNothing) {
  const auto frame = *initiator_->seal(hi, now_);
  for (std::size_t at = 0; at < frame.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes forged = frame;
      forged[at] ^= static_cast<std::uint8_t>(1U << bit);
      EXPECT_FALSE(open(*responder_, forged)) << at << "." << bit;
    }
  }
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_FALSE(open(*responder_, Bytes(frame.begin(), frame.begin() + static_cast<int>(size))));
  }
  EXPECT_TRUE(open(*responder_, frame));
}

TEST_F(SessionTest, IsBoundToTheTopic) {
  const auto frame = *initiator_->seal(hi, now_);
  topics_.initiator_to_responder = to_bytes(as_bytes("other"));
  EXPECT_EQ(code(open(*responder_, frame)), Errc::refused);
  topics_.initiator_to_responder = to_bytes(as_bytes("up"));
  EXPECT_TRUE(open(*responder_, frame));
}

TEST_F(SessionTest, DoesNotOpenItsOwnFrames) {
  EXPECT_EQ(code(open(*initiator_, *initiator_->seal(hi, now_))), Errc::refused);
}

TEST_F(SessionTest, KeysAreUsedUpAfterTwoHours) {
  const auto frame = *initiator_->seal(hi, now_);
  EXPECT_EQ(initiator_->rekey_at(), now_ + 1h);
  now_ += 2h - 1ns;
  EXPECT_TRUE(open(*responder_, *initiator_->seal(hi, now_)));
  now_ += 1ns;
  EXPECT_FALSE(initiator_->can_seal(now_));
  EXPECT_EQ(code(initiator_->seal(hi, now_)), Errc::limit);
  EXPECT_EQ(code(open(*responder_, frame)), Errc::limit);
}

TEST_F(SessionTest, KeysAreUsedUpAfterTwoToThe21) {
  while (initiator_->sealed() < (std::uint64_t{1} << 20U)) (void)initiator_->seal({}, now_);
  EXPECT_EQ(initiator_->rekey_at(), Instant::min());
  Bytes last;
  while (initiator_->can_seal(now_)) last = *initiator_->seal(hi, now_);
  EXPECT_EQ(initiator_->sealed(), std::uint64_t{1} << 21U);
  EXPECT_EQ(last.size(), hi.size() + 24);
  EXPECT_EQ(code(initiator_->seal(hi, now_)), Errc::limit);
  EXPECT_TRUE(open(*responder_, last));
  EXPECT_EQ(responder_->rekey_at(), Instant::min());
}

}  // namespace
}  // namespace sts::protocol
