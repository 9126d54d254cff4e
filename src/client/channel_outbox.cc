#include "client/channel_outbox.h"

#include <utility>

#include "base/counted.h"
#include "client/outbox.h"
#include "client/outbox_message.h"

namespace sts::client {

ChannelOutbox::ChannelOutbox(asio::io_context& loop, store::Outbox outbox, ChannelWriter& writer,
                             WallClock wall_clock, Owner owner)
    : outbox_(std::move(outbox)),
      writer_(writer),
      wall_clock_(std::move(wall_clock)),
      owner_(std::move(owner)),
      accepting_(loop, outbox_, owner_.due) {
  owner_.delivery.taken = [this] {
    lock_->tell();
    if (accepting_.blocked()) accepting_.soon();
  };
}

Result<std::unique_ptr<ChannelOutbox>> ChannelOutbox::open(
    asio::io_context& loop, const store::Home& home, const store::OutboxOptions& options,
    ChannelWriter& writer, WallClock wall_clock, Random& random, Owner owner) {
  auto outbox = open_outbox(home, options, random, owner.delivery.log);
  if (!outbox) return tl::unexpected(outbox.error());
  std::unique_ptr<ChannelOutbox> out(
      new ChannelOutbox(loop, std::move(*outbox), writer, std::move(wall_clock), std::move(owner)));
  auto* self = out.get();
  auto lock = OutboxLock::open(loop, home.outbox_lock_file(),
                               {[self] {
                                  self->delivery_.emplace(self->outbox_, self->writer_,
                                                          self->wall_clock_, self->owner_.delivery);
                                  if (self->online_) self->online(false);
                                },
                                [self] { self->owner_.due(); }});
  if (!lock) return tl::unexpected(lock.error());
  out->lock_ = std::move(*lock);
  out->lock_->want();
  return out;
}

Result<void> ChannelOutbox::put(const mqtt::Message& message) {
  if (message.retain && message.payload.empty()) {
    return fail(Errc::bad_input, "taking away what is retained can't be durable",
                "sts pub -r -n does it");
  }
  if (message.qos == mqtt::Qos::at_most_once) {
    return fail(Errc::bad_input,
                "what is durable needs the broker's acknowledgement, which QoS 0 "
                "has not",
                "QoS 1 or 2");
  }
  auto audience = writer_.audience(message.topic);
  if (!audience) return tl::unexpected(audience.error());
  if (auto some = writer_.check_readers(message.topic); !some) return some;
  accepting_.put({message.topic, encode_for_outbox(message), std::move(*audience)});
  return {};
}

void ChannelOutbox::report(const Result<void>& outcome) {
  const auto line = outcome ? std::nullopt : std::optional(error_line(outcome.error()));
  if (line && line->text != reported_) owner_.delivery.log(*line);
  reported_ = line ? line->text : std::string();
}

void ChannelOutbox::work() {
  const auto committed = accepting_.commit();
  if (!committed) {
    const auto& why = committed.error();
    const auto count = accepting_.size();
    accepting_.clear();
    owner_.given_up(
        count,
        {why.code, counted(count, "message was", "messages were") + " not accepted: " + why.message,
         why.hint});
  } else if (*committed) {
    lock_->tell();
  }
  if (delivery_ && online_) report(delivery_->more());
}

void ChannelOutbox::online(bool resumed) {
  online_ = true;
  if (delivery_) report(delivery_->online(resumed));
}

void ChannelOutbox::offline() {
  online_ = false;
  if (delivery_) report(delivery_->offline());
}

void ChannelOutbox::published(mqtt::PublishId id, const Result<void>& outcome) {
  if (delivery_) report(delivery_->published(id, outcome));
}

bool ChannelOutbox::idle() {
  if (accepting_.size() > 0) return false;
  return delivery_ ? delivery_->idle() : empty();
}

bool ChannelOutbox::empty() {
  return accepting_.size() == 0 && !outbox_.waits(&store::Outbox::not_apart).value_or(true);
}

std::size_t ChannelOutbox::waiting() {
  return accepting_.size() + outbox_.waiting(store::Outbox::not_apart).value_or(0);
}

}  // namespace sts::client
