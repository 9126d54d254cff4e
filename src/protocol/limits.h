// How much and how long: every bound of a session in one place (docs/protocol.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace sts::protocol {

using namespace std::chrono_literals;

/// What hides the exact size of a frame from the broker; PADMÉ leaves O(log log size) bits of it.
enum class Pad { none, to_16, padme };

/// What a config may change; the first two downwards only. Rekeying is the initiator's work.
struct Limits {
  std::uint64_t rekey_after_messages = std::uint64_t{1} << 20U;
  Duration rekey_after_time = 1h;
  Duration heartbeat = 60s;  // zero: none
  Pad pad = Pad::none;
};

/// A lower limit counts as this one: the first frames of a session must not ask for the next.
inline constexpr std::uint64_t rekey_after_messages_min = 16;

/// Keys are refused from here on, by both sides, whatever the config says.
inline constexpr std::uint64_t reject_after_messages = std::uint64_t{1} << 21U;
inline constexpr Duration reject_after_time = 2h;

/// A stream's numbers are generation * span + counter: no session seals as many frames.
inline constexpr std::uint64_t generation_span = reject_after_messages;
/// No stream comes this far, and below it sums of numbers don't overflow.
inline constexpr std::uint64_t numbers_end = std::uint64_t{1} << 63U;
inline constexpr std::uint64_t generations_end = numbers_end / generation_span;

// Handshake
inline constexpr Duration init_req_backoff_min = 1s;
inline constexpr Duration init_req_backoff_max = 30s;
inline constexpr Duration key_ack_backoff = 1s;  // doubles
inline constexpr int key_ack_attempts = 5;
inline constexpr Duration nudge_backoff_min = 1s;
inline constexpr Duration nudge_backoff_max = 1h;
inline constexpr int dh_burst = 50;  // handshake messages that cost a Diffie-Hellman
inline constexpr Duration dh_interval = 20ms;
inline constexpr int hello_burst = 5;  // answers to what nobody authenticated
inline constexpr Duration hello_interval = 1s;
inline constexpr int vouch_burst = 10;  // of one peer
inline constexpr Duration vouch_interval = 200ms;
inline constexpr int will_burst = 5;  // of one peer, that are announced
inline constexpr Duration will_interval = 1s;
inline constexpr int will_keys_burst = 256;  // tried on all others; each costs two Diffie-Hellman
inline constexpr Duration will_keys_interval = 20ms;
inline constexpr std::size_t wills_remembered = 256;  // of one peer
inline constexpr std::size_t pending_handshakes = 256;
inline constexpr Duration pending_lifetime = 60s;

// Session
inline constexpr Duration old_session_linger = 60s;
inline constexpr Duration ack_delay = 100ms;
// Acknowledged at once after so many frames, or messages, or bytes of them: well within what the
// sender may have unacknowledged.
inline constexpr std::uint64_t ack_every = 32;
inline constexpr std::uint64_t ack_every_messages = 512;
inline constexpr std::uint64_t ack_every_bytes = std::uint64_t{1} << 19U;
inline constexpr Duration probe_after = 3s;  // doubles
inline constexpr Duration probe_after_max = 60s;
inline constexpr Duration resend_pause = 1s;  // between two resends of one frame
inline constexpr int probes_until_silent = 3;
inline constexpr Duration stalled_after = 21s;  // as long as those probes take

// Streams
inline constexpr std::size_t send_buffer_messages = 4096;
inline constexpr std::size_t send_buffer_bytes = std::size_t{4} << 20U;
inline constexpr std::size_t frames_in_flight = 512;  // mosquitto drops from 1000 queued on
// Messages that come while so many frames are not yet answered by the broker wait and share one.
inline constexpr std::size_t frames_unanswered = 4;
inline constexpr std::size_t pack_bytes = 16384;     // they share it up to here
inline constexpr std::size_t frame_messages = 4096;  // at most in one frame
static_assert(send_buffer_messages <= frame_messages);
inline constexpr std::size_t hold_frames = 4096;
inline constexpr std::size_t hold_bytes = std::size_t{8} << 20U;

}  // namespace sts::protocol
