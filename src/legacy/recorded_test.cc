// The recorded sessions of the reference implementation, played with this room in either role.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "legacy/session.h"
#include "legacy/testing.h"

namespace sts::legacy {
namespace {

nlohmann::json load_sessions() {
  std::ifstream file(STS_SOURCE_DIR "/tests/data/sts1-sessions.json");
  return nlohmann::json::parse(file).at("sessions");
}

/// Plays `ours` against the recording of its peer; all that is published, in order, in hex.
class Player {
 public:
  Player(const nlohmann::json& recording, std::string ours)
      : ours_(std::move(ours)),
        random_({from_hex(recording.at(ours_ + "_private_hex").get<std::string>())}),
        session_(
            {.role = ours_ == "master" ? Role::master : Role::slave,
             .aes = recording.at("aes") == "ecb" ? Aes::ecb : Aes::cbc,
             .curve = ours_ == "slave" || recording.at("curve") == "secp256k1" ? Curve::secp256k1
                                                                               : Curve::x25519},
            random_) {
    take(session_.start(now_));
  }

  void play(const nlohmann::json& message) {
    const auto payload = from_hex(message.at("payload_hex").get<std::string>());
    const auto text = message.at("text").get<std::string>();
    const bool is_encrypted = message.contains("plaintext_hex");
    if (message.at("sender") != ours_) {
      const auto effects = session_.receive(payload, now_);
      if (text.starts_with("ENC:")) {
        EXPECT_EQ(delivered(effects), std::vector{text.substr(4)});
      }
      EXPECT_EQ(all<Killed>(effects).size(), text == "KILL:" ? 1U : 0U);
      EXPECT_EQ(notes(effects), "");
      take(effects);
      return;
    }
    if (is_encrypted) {
      if (!session_.up()) {
        now_ = session_.next_deadline();
        take(session_.advance(now_));
      }
      ASSERT_TRUE(session_.up());
      take(text == "KILL:" ? session_.kill()
                           : Effects{Publish{session_.send(text.substr(4)).value()}});
    }
    ASSERT_FALSE(outgoing_.empty());
    EXPECT_EQ(outgoing_.front(), std::string(as_text(payload)));
    outgoing_.pop_front();
  }

  void finish() {
    EXPECT_TRUE(outgoing_.empty());
    EXPECT_EQ(session_.state(), State::ended);
  }

 private:
  void take(const Effects& effects) {
    for (auto& payload : published(effects)) outgoing_.push_back(std::move(payload));
  }

  std::string ours_;
  ScriptedRandom random_;
  Session session_;
  Instant now_{};
  std::deque<std::string> outgoing_;
};

class Recorded : public testing::TestWithParam<std::tuple<std::size_t, const char*>> {};

TEST_P(Recorded, OursSendsAndReadsTheSameBytes) {
  const auto& [index, ours] = GetParam();
  const auto recording = load_sessions().at(index);
  Player player(recording, ours);
  for (const auto& message : recording.at("messages")) {
    SCOPED_TRACE(message.at("text").get<std::string>());
    ASSERT_NO_FATAL_FAILURE(player.play(message));
  }
  player.finish();
}

INSTANTIATE_TEST_SUITE_P(All, Recorded,
                         testing::Combine(testing::Range<std::size_t>(0, 4),
                                          testing::Values("master", "slave")),
                         [](const auto& it) {
                           const auto recording = load_sessions().at(std::get<0>(it.param));
                           return recording.at("curve").template get<std::string>() + "_" +
                                  recording.at("aes").template get<std::string>() + "_" +
                                  std::get<1>(it.param);
                         });

TEST(Recorded, SecretsAreThoseOfTheReference) {
  for (const auto& recording : load_sessions()) {
    const auto curve = recording.at("curve") == "secp256k1" ? Curve::secp256k1 : Curve::x25519;
    ScriptedRandom random({from_hex(recording.at("master_private_hex").get<std::string>())});
    const auto key = KeyPair::generate(curve, random);
    const auto request =
        decode(from_hex(recording.at("messages").at(4).at("payload_hex").get<std::string>()));
    ASSERT_TRUE(request);
    const auto secret = key.shared_secret(std::get<KeyReq>(*request).key, random);
    ASSERT_TRUE(secret);
    EXPECT_TRUE(std::ranges::equal(secret->bytes(),
                                   from_hex(recording.at("shared_secret_hex").get<std::string>())));
  }
}

}  // namespace
}  // namespace sts::legacy
