// The side that starts handshakes: once at the beginning, then to rekey, and when the session is
// lost.
#pragma once

#include "protocol/endpoint.h"

namespace sts::protocol {

class Initiator : public Endpoint {
 public:
  explicit Initiator(Setup setup);

  void set_online(bool online, std::size_t max_frame, Instant now, Effects& out) override;
  void receive(ByteView payload, Instant now, Effects& out) override;
  Instant next_deadline() const override;
  void advance(Instant now, Effects& out) override;
  std::vector<Link*> links() override;

 private:
  /// One handshake, from INITREQ until CONFIRM or until it is given up.
  struct Attempt {
    noise::HandshakeState after_message_1;
    SessionIndex local;
    Bytes frame;       // INITREQ, later KEYACK: what is repeated, byte for byte
    int key_acks = 0;  // sent; 0: INITACK didn't come yet
    Instant retry_at;
    Duration backoff;
  };

  void begin(Instant now, Effects& out);
  void send(Instant now, Effects& out);
  void on(const Hello& frame, Instant now, Effects& out);
  void on(ByteView payload, const InitAck& frame, Instant now, Effects& out);
  void on(const Enc& frame, Instant now, Effects& out);
  bool answer(noise::HandshakeState handshake, SessionIndex remote, Instant now, Effects& out);
  bool nudge_allowed(Instant now);
  Duration jittered(Duration duration);
  bool uses(SessionIndex local) override { return link_.owns(local); }

  Link link_;
  std::optional<Attempt> attempt_;
  // Doubles with each nudge until one turns out to have been needed.
  Duration nudge_backoff_ = nudge_backoff_min;
  Instant next_nudge_{};
  bool nudged_ = false;
};

}  // namespace sts::protocol
