// What came for the inbox and isn't stored yet.
#pragma once

#include <cstddef>
#include <vector>

#include "client/received.h"
#include "store/inbox.h"

namespace sts::cli {

class InboxBatch {
 public:
  void add(const client::Received& received);
  /// No more should come before it is stored.
  bool full() const;
  /// With views of the payloads, up to the next change.
  std::vector<store::Inbox::Message> rows() const;
  void clear();

 private:
  std::vector<client::Received> messages_;
  std::size_t bytes_ = 0;  // of payload
};

}  // namespace sts::cli
