// Stands in for legacy.cc where the build has no STS 1.
#include "client/conversation.h"

namespace sts::client {

Result<std::unique_ptr<Conversation>> make_legacy(const Config&, Random&, Port&) {
  return fail(Errc::refused, "this sts was built without STS 1",
              "leave aes out to use STS 2, or build with -DSTS_LEGACY=ON");
}

}  // namespace sts::client
