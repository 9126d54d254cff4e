// The side that answers handshakes: any number of peers on one pair of topics.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "protocol/endpoint.h"

namespace sts::protocol {

class Responder : public Endpoint {
 public:
  explicit Responder(Setup setup) : Endpoint(std::move(setup), noise::Role::responder) {}

  void set_online(bool online, std::size_t max_frame, Instant now, Effects& out) override;
  void receive(ByteView payload, Instant now, Effects& out) override;
  Instant next_deadline() const override;
  void advance(Instant now, Effects& out) override;
  std::vector<Link*> links() override;

 private:
  /// Between INITACK and KEYACK. Anyone can make one, so there are few and they don't live long.
  struct Pending {
    Bytes init_req, init_ack;
    noise::HandshakeState after_message_2;
    SessionIndex local, remote;
    std::uint64_t order;
    Instant expires;
  };
  struct Served {
    Served(const Limits& limits, Wills& wills) : link(noise::Role::responder, limits, wills) {}
    Link link;
    Bytes key_ack;                  // that made the present session
    std::uint64_t order = 0;        // of the handshake that made it
    std::uint64_t vouched_for = 0;  // the last pending handshake, by its order
  };

  void on(ByteView payload, const InitReq& frame, Instant now, Effects& out);
  void on(ByteView payload, const KeyAck& frame, Instant now, Effects& out);
  void on(const Enc& frame, Instant now, Effects& out);
  void accept(ByteView payload, const Pending& pending, noise::HandshakeState handshake,
              const std::optional<Resume>& resume, Instant now, Effects& out);
  void answer_unknown(SessionIndex index, Instant now, Effects& out);
  void make_room();
  std::vector<Served*> take_vouches(ByteView frame, Instant now);
  bool vouched(const Pending& pending) const;
  bool uses(SessionIndex local) override;

  std::deque<Pending> pending_;  // oldest first
  std::uint64_t handshakes_ = 0;
  std::map<crypto::PublicKey, std::unique_ptr<Served>> served_;
  TokenBucket key_ack_budget_{dh_burst, dh_interval};
  TokenBucket repeat_budget_{hello_burst, hello_interval};
  std::size_t max_frame_ = SIZE_MAX;
};

}  // namespace sts::protocol
