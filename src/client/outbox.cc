#include "client/outbox.h"

#include <fmt/format.h>

#include <utility>

#include "base/counted.h"
#include "store/identity.h"

namespace sts::client {

Result<store::Outbox> open_outbox(const store::Home& home, const store::OutboxOptions& options,
                                  Random& random, const Log& log) {
  auto identity = store::load_or_create_identity(home, random);
  if (!identity) return tl::unexpected(identity.error());
  auto state = store::State::open(home, identity->pair.private_key, random);
  if (!state) return tl::unexpected(state.error());
  if (!state->warning().empty()) log({Level::warning, state->warning()});
  return store::Outbox::open(std::move(*state), options);
}

void tell_dropped(store::Outbox& outbox, const Log& log) {
  const auto dropped = outbox.take_dropped();
  if (!dropped) return;
  for (const auto& [count, why] :
       {std::pair(dropped->full, "it was full"), {dropped->old, "they were too old"}}) {
    if (count == 0) continue;
    log({Level::warning,
         fmt::format("the outbox dropped {}: {}", counted(count, "message", "messages"), why)});
  }
}

}  // namespace sts::client
