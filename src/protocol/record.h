// What stands inside the ciphertext of ENC: one or more records (docs/protocol.md, "Records").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "protocol/frame.h"
#include "protocol/limits.h"

namespace sts::protocol {

enum class RecordType : std::uint8_t {
  padding = 0x00,  // zero bytes to the end of the frame
  confirm = 0x01,  // responder's answer to KEYACK; a Resume, or nothing, to the end of the frame
  data = 0x02,     // a message, to the end of the frame
  sized_data = 0x03,
  resent = 0x04,  // number, gap: the records after it are those of an earlier frame
  ack = 0x05,
  ping = 0x06,
  end = 0x07,  // the last frame under these keys
  kill = 0x08,
  vouch = 0x09,    // for a frame of a handshake
  will = 0x0a,     // the connection that the sender has a will for
  durable = 0x0b,  // a message with its durable number
  taken = 0x0c,    // which of the other side's durable messages were
};

using StreamId = std::array<std::uint8_t, 8>;

/// Where a stream goes on in a renewed session. Without one the stream is new: its id comes from
/// the handshake hash, its generation is 0 and so is its first number.
struct Resume {
  StreamId id{};
  std::uint64_t generation = 0;
  std::uint64_t first = 0;  // everything below was acknowledged
};

/// `next`: all frame numbers below are accounted for. `gap_end`: the first number above `next` that
/// is accounted for as well, or `next` where none is: between the two something is missing.
struct Ack {
  std::uint64_t next = 0;
  std::uint64_t gap_end = 0;
};

struct Resent {
  std::uint64_t number = 0;
  std::uint64_t gap = 0;  // how many numbers right before `number` carried nothing to keep
};

/// The start of the hash of a handshake's frame: its author is who the session is with.
using Vouch = std::array<std::uint8_t, 16>;
Vouch vouch_for(ByteView frame);

struct Confirm {
  std::optional<Resume> resume;
};

/// What a stream carries from one side to the other: once, in order.
struct Message {
  RecordType type = RecordType::data;  // or durable, or taken
  Bytes body;
};
struct MessageView {
  RecordType type;
  ByteView body;
};

/// The records of one frame, taken apart. Messages are views of the plaintext.
struct Records {
  std::optional<Confirm> confirm;
  std::optional<Resent> resent;
  std::optional<Ack> ack;
  std::optional<Vouch> vouch;
  std::optional<ConnectionId> will;
  bool ping = false, end = false, kill = false;
  std::vector<MessageView> messages;
};

/// Nothing where any byte is not as it has to be; each kind but those of messages may stand once.
std::optional<Records> decode_records(ByteView plaintext);

void put_confirm(Bytes& out, const std::optional<Resume>& resume);
void put_resent(Bytes& out, const Resent& resent);
void put_ack(Bytes& out, const Ack& ack);
void put_data(Bytes& out, ByteView message);
/// Data, durable or taken, with its length.
void put_sized(Bytes& out, RecordType type, ByteView body);
void put_bare(Bytes& out, RecordType type);  // ping, end, kill
void put_vouch(Bytes& out, const Vouch& vouch);
void put_will(Bytes& out, const ConnectionId& connection);

/// What a plaintext of `size` bytes, not 0, is filled up to with PADDING.
std::size_t padded_size(std::size_t size, Pad pad);

/// The payload of KEYACK and the body of CONFIRM: nothing, or a Resume of exactly its length.
Bytes encode_resume(const std::optional<Resume>& resume);
bool decode_resume(ByteView in, std::optional<Resume>& out);

}  // namespace sts::protocol
