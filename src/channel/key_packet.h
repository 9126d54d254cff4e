// The retained packet that tells an epoch's readers its key (docs/protocol.md, "Key packets").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/reader.h"
#include "base/result.h"
#include "channel/epoch_key.h"
#include "channel/names.h"

namespace sts::channel {

/// How the epoch before ended: the counter after the last one, for each topic it was used on.
struct Finals {
  KeyId key;
  struct Topic {
    std::string name;
    std::uint64_t next = 0;
  };
  std::vector<Topic> topics;
};

void put(Bytes& out, const Finals& finals);
std::optional<Finals> get_finals(sts::Reader& in);

/// In the clear, and bound to every wrap.
struct Header {
  StreamId stream;
  std::uint64_t epoch = 0;    // grows with each epoch of the sender, whatever its stream
  std::uint64_t created = 0;  // milliseconds since 1970 by the sender's clock
  std::optional<crypto::VerifyingKey> signing_key = {};  // set: its messages are signed
  std::optional<Finals> before = {};                     // of the same stream
};

Bytes encode(const Header& header);

/// To be published at QoS 1 and retained; an empty payload takes what is retained there away.
struct Packet {
  std::string topic;
  Bytes payload;
  friend auto operator<=>(const Packet&, const Packet&) = default;
};

/// Whether anything that is retained may ever need the key: if not, its packet can go with the
/// process that made it.
enum class Use : std::uint8_t { passing = 0, lasting = 1 };

/// One reader of an epoch, as its sender knows it.
struct Recipient {
  crypto::PublicKey key;
  const crypto::Psk* psk = nullptr;  // not owned; null: none
};

/// Whose key it is, where it is published, and what for.
struct Announcement {
  const crypto::KeyPair& sender;
  std::string_view key_prefix;
  Use use = Use::lasting;
};

/// The packets, one for each wraps_in_packet recipients, that tell `recipients` the key.
/// Errc::refused where one of them is a point of small order.
Result<std::vector<Packet>> seal_key_packets(ByteView header, const EpochKey& key,
                                             const Announcement& announcement,
                                             std::span<const Recipient> recipients, Random& random);

/// A packet taken apart; views of the payload.
struct KeyPacket {
  Header header;
  ByteView header_bytes, mark, wraps;
};

/// The whole packet or nothing. It is not authentic before a wrap in it has opened.
std::optional<KeyPacket> decode_key_packet(ByteView payload);

/// What the packet, which came on `topic`, was made for; nullopt where it isn't of `sender`, or of
/// another topic. For the sender itself, which needs nothing else to know it again.
std::optional<Use> own_packet(const KeyPacket& packet, std::string_view topic,
                              const crypto::PrivateKey& sender);

/// A reader's side: who it is, and whose packets these are.
struct WrapContext {
  const crypto::KeyPair& reader;
  const crypto::PublicKey& sender;
  const crypto::Secret<32>& shared;  // dh of the two static keys
  const crypto::Psk* psk = nullptr;  // null: none
};

/// The wraps that have a recipient's hint: its own, and by chance another's.
std::vector<ByteView> find_wraps(const KeyPacket& packet, const WrapContext& who);
/// Errc::refused where it is not the sender's for this reader and header.
Result<EpochKey> open_wrap(ByteView wrap, ByteView header, const WrapContext& who);

}  // namespace sts::channel
