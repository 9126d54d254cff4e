// How much and how long: every bound of a channel in one place (docs/protocol.md, "Channels").
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocol/limits.h"

namespace sts::channel {

using namespace std::chrono_literals;
using protocol::Pad;

// Senders
inline constexpr std::uint64_t rekey_after_messages = std::uint64_t{1} << 20U;
inline constexpr Duration rekey_after_time = 1h;
/// No counter comes this far, and no sender seals under an epoch older than this.
inline constexpr std::uint64_t reject_after_messages = std::uint64_t{1} << 21U;
inline constexpr Duration reject_after_time = 2h;
/// Wraps in one packet: below 64 KiB, which hosted brokers may refuse. More readers, more packets.
inline constexpr std::size_t wraps_in_packet = 512;
/// What a sender keeps to seal retained messages anew.
inline constexpr std::size_t retained_bytes = std::size_t{4} << 20U;

// Readers
inline constexpr std::size_t epochs_of_sender = 64;
inline constexpr std::size_t topics_of_sender = 4096;  // and of one epoch
inline constexpr std::size_t lost_epochs = 8;          // of a sender, whose key may still come
inline constexpr std::size_t wills_remembered = 256;   // of each topic
inline constexpr std::size_t retained_remembered = 8;  // of each topic
inline constexpr std::size_t durable_streams = 4;      // of each topic
inline constexpr Duration old_epoch_linger = 1h;
inline constexpr std::size_t waiting_messages = 1024;  // for their key
inline constexpr std::size_t waiting_bytes = std::size_t{4} << 20U;
inline constexpr Duration waiting_time = 60s;
inline constexpr int forged_packets_burst =
    16;  // of one sender; each costs a Diffie-Hellman or two
inline constexpr Duration forged_packets_interval = 1s;

// The wire
/// A time of day, in milliseconds since 1970, is lower: in the year 2248.
inline constexpr std::uint64_t times_end = std::uint64_t{1} << 43U;
/// No durable number comes this far.
inline constexpr std::uint64_t durable_numbers_end = std::uint64_t{1} << 48U;
inline constexpr std::size_t user_properties = 64;  // at most in a message
/// A topic has no more bytes: what a reader keeps of 4096 of them is bounded by it.
inline constexpr std::size_t topic_size = 1024;

}  // namespace sts::channel
