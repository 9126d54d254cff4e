// The protocol's notices as sentences, and no flood of them.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "client/client.h"
#include "protocol/effects.h"

namespace sts::client {

struct Line {
  Level level;
  std::string text;
};

/// What strangers on the topic can cause is said once, then at most every ten seconds, with a
/// count.
class Notices {
 public:
  /// `peer` is how people call the notice's peer; `subtop` where the frame came from.
  std::optional<Line> say(const protocol::Notice& notice, const std::string& peer,
                          const std::string& subtop, Mode mode, Instant now);

 private:
  struct Said {
    Instant at;
    std::size_t withheld = 0;
  };
  std::map<protocol::NoticeKind, Said> said_;
};

}  // namespace sts::client
