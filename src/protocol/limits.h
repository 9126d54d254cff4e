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
inline constexpr std::size_t pending_handshakes = 256;
inline constexpr Duration pending_lifetime = 60s;

// Session
inline constexpr Duration old_session_linger = 60s;
inline constexpr Duration ack_delay = 100ms;
inline constexpr std::uint64_t ack_every = 32;  // frames
inline constexpr Duration probe_after = 3s;     // doubles
inline constexpr Duration probe_after_max = 60s;
inline constexpr Duration resend_pause = 1s;  // between two resends of one frame
inline constexpr int probes_until_silent = 3;

// Streams
inline constexpr std::size_t send_buffer_messages = 4096;
inline constexpr std::size_t send_buffer_bytes = std::size_t{4} << 20U;
inline constexpr std::size_t frames_in_flight = 512;  // mosquitto drops from 1000 queued on
inline constexpr std::size_t pack_bytes = 4096;       // messages that wait share frames up to here
inline constexpr std::size_t frame_messages = 4096;   // at most in one frame
inline constexpr std::size_t hold_frames = 4096;
inline constexpr std::size_t hold_bytes = std::size_t{8} << 20U;

}  // namespace sts::protocol
