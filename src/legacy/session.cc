#include "legacy/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sts::legacy {
namespace {

using namespace std::chrono_literals;
using Level = Note::Level;

// INITREQ is repeated until the slave listens. Its answer needs no computing, so the wait is short.
constexpr Duration first_initreq_wait = 1s, longest_initreq_wait = 4s;
// The answer to KEYREQ takes a small device seconds.
constexpr Duration first_keyreq_wait = 5s, longest_keyreq_wait = 10s;
// The reference's slave sleeps for a second after KEYACK before it listens with the key; its master
// listens as soon as its thread gets on.
constexpr Duration slave_settles = 1500ms, master_settles = 100ms;

}  // namespace

Effects Session::start(Instant now) {
  reset();
  change(State::setting_up);
  if (config_.role == Role::slave) {
    awaiting_ = Awaiting::initreq;
  } else {
    awaiting_ = Awaiting::initack;
    publish(InitReq{});
    retry_after_ = first_initreq_wait;
    retry_at_ = now + retry_after_;
  }
  return take_effects();
}

Effects Session::receive(ByteView payload, Instant now) {
  if (state_ == State::idle || state_ == State::ended) return {};
  if (payload.size() > max_payload) {
    note(Level::error,
         fmt::format("refused a payload of {} bytes: STS 1 allows {}", payload.size(), max_payload),
         "let the peer send it in parts");
  } else if (const auto message = decode(payload)) {
    std::visit([&](const auto& it) { on(it, now); }, *message);
  } else if (payload.empty() || payload.size() % Cipher::block_size != 0) {
    note(Level::warning, fmt::format("ignored {} bytes: no STS 1 message", payload.size()),
         "give subtop a topic that nobody but the peer publishes on");
  } else if (!cipher_) {
    note(Level::warning,
         fmt::format("ignored {} encrypted bytes: there is no session yet", payload.size()),
         "if the peer thinks there is, start both again, the master last");
  } else {
    open(payload);
  }
  return take_effects();
}

void Session::open(ByteView ciphertext) {
  Bytes plaintext = cipher_->decrypt(ciphertext);
  const auto text = as_text(plaintext);
  const bool kill = text.starts_with(kill_header);
  if (!kill && !text.starts_with(enc_header)) {
    const bool cbc = config_.aes == Aes::cbc;
    note(Level::error,
         cbc ? "lost a message: its header is neither ENC: nor KILL:; CBC is out of step because "
               "messages crossed or one got lost"
             : "lost a message: its header is neither ENC: nor KILL:; it was not encrypted with "
               "this session's key",
         cbc ? "let one side send at a time: it falls into step again, and what was lost can be "
               "sent again"
             : "check that both sides have aes = ecb, and that nobody else publishes on subtop");
    return;
  }
  if (state_ == State::setting_up) {
    settled_at_ = never;
    change(State::up);
  }
  if (kill) {
    effects_.push_back(Killed{});
    end(std::nullopt);
    return;
  }
  plaintext.resize(text.find_last_not_of('\0') + 1);
  plaintext.erase(plaintext.begin(), plaintext.begin() + enc_header.size());
  effects_.push_back(Deliver{std::move(plaintext)});
}

void Session::on(const InitReq&, Instant) {
  if (config_.role == Role::master) return same_role();
  if (cipher_) {
    note(Level::warning,
         "the master starts again; this session lasts until the new one is agreed on");
  }
  publish(InitAck{});
  agreed_.reset();
  awaiting_ = Awaiting::keyreq;
}

void Session::on(const InitAck&, Instant now) {
  if (config_.role == Role::slave) return same_role();
  // Each INITREQ has an answer; all but the first are late.
  if (awaiting_ != Awaiting::initack) return;
  retry_after_ = first_keyreq_wait;
  request_key(now);
}

void Session::request_key(Instant now) {
  key_ = KeyPair::generate(config_.curve, random_);
  publish(KeyReq{key_->public_key()});
  awaiting_ = Awaiting::keyack;
  retry_at_ = now + retry_after_;
}

void Session::on(const KeyAck& message, Instant now) {
  if (awaiting_ != Awaiting::keyack) return unexpected(name(message));
  if (config_.role == Role::master) {
    awaiting_ = Awaiting::keyreq;
  } else {
    awaiting_ = Awaiting::initreq;
    establish(*std::exchange(agreed_, std::nullopt), agreed_curve_, now);
  }
}

void Session::on(const KeyReq& message, Instant now) {
  if (awaiting_ != Awaiting::keyreq) return unexpected(name(message));
  const Curve peers = message.key.curve();
  if (config_.role == Role::master && peers != config_.curve) {
    return end(Error{
        Errc::refused,
        fmt::format("the slave uses curve {}, this master {}", name(peers), name(config_.curve)),
        fmt::format("set `curve = {}`", name(peers))});
  }
  return config_.role == Role::master ? agree_as_master(message.key, now)
                                      : agree_as_slave(message.key);
}

void Session::agree_as_master(const PublicKey& slave, Instant now) {
  const auto secret = key_->shared_secret(slave, random_);
  if (!secret) return note(Level::error, secret.error().message, secret.error().hint);
  key_.reset();
  publish(KeyAck{});
  awaiting_ = Awaiting::nothing;
  establish(Cipher(config_.aes, *secret), slave.curve(), now);
}

void Session::agree_as_slave(const PublicKey& master) {
  while (true) {
    const auto key = KeyPair::generate(master.curve(), random_);
    const auto secret = key.shared_secret(master, random_);
    if (!secret) return note(Level::error, secret.error().message, secret.error().hint);
    if (has_zero_byte(*secret)) continue;  // the reference would refuse it
    publish(KeyAck{});
    publish(KeyReq{key.public_key()});
    agreed_.emplace(config_.aes, *secret);
    agreed_curve_ = master.curve();
    awaiting_ = Awaiting::keyack;
    return;
  }
}

void Session::establish(Cipher cipher, Curve curve, Instant now) {
  cipher_ = std::move(cipher);
  curve_ = curve;
  retry_at_ = never;
  change(State::setting_up);
  settled_at_ = now + (config_.role == Role::master ? slave_settles : master_settles);
}

Effects Session::advance(Instant now) {
  if (now >= settled_at_) {
    settled_at_ = never;
    change(State::up);
  }
  if (now >= retry_at_) {
    publish(InitReq{});
    if (awaiting_ == Awaiting::initack) {
      retry_after_ = std::min(2 * retry_after_, longest_initreq_wait);
      retry_at_ = now + retry_after_;
    } else {
      // A reference slave that disliked the secret ignores INITREQ and waits for another KEYREQ;
      // one that was restarted needs INITREQ first, and takes KEYREQ right behind it.
      note(Level::warning, "the slave answers no more; trying again with a new key");
      retry_after_ = std::min(2 * retry_after_, longest_keyreq_wait);
      request_key(now);
    }
  }
  return take_effects();
}

Result<Bytes> Session::send(std::string_view text) {
  if (!up()) return fail(Errc::refused, "no session is up yet", "wait for \"session is up\"");
  if (text.size() > max_text) {
    return fail(
        Errc::limit,
        fmt::format("the message has {} bytes; STS 1 carries {} at most", text.size(), max_text),
        "send it in parts");
  }
  if (text.find('\0') != std::string_view::npos) {
    return fail(Errc::bad_input, "the message has a NUL byte, which STS 1 can't carry",
                "leave it out, or encode the message, for instance in Base64");
  }
  return cipher_->encrypt(as_bytes(std::string(enc_header).append(text)));
}

Effects Session::kill() {
  if (cipher_) effects_.push_back(Publish{cipher_->encrypt(as_bytes(kill_header))});
  end(std::nullopt);
  return take_effects();
}

void Session::reset() {
  awaiting_ = Awaiting::nothing;
  same_role_told_ = false;
  retry_at_ = settled_at_ = never;
  key_.reset();
  agreed_.reset();
  cipher_.reset();
  curve_.reset();
}

void Session::end(std::optional<Error> failed) {
  reset();
  if (state_ == State::idle || state_ == State::ended) return;
  state_ = State::ended;
  effects_.push_back(StateChanged{State::ended, std::move(failed)});
}

void Session::unexpected(std::string_view message) {
  note(Level::info, fmt::format("ignored {} out of turn", message));
}

void Session::same_role() {
  if (std::exchange(same_role_told_, true)) return;
  note(Level::error,
       fmt::format("the peer is a {} too, or subtop and pubtop are the same",
                   config_.role == Role::master ? "master" : "slave"),
       "set sts_mode = master on one side and sts_mode = slave on the other, with their topics "
       "crossed over");
}

void Session::change(State state) {
  if (state_ == state) return;
  state_ = state;
  effects_.push_back(StateChanged{state});
}

}  // namespace sts::legacy
