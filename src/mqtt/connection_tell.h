// For the sources of Connection alone.
#pragma once

#include <asio/post.hpp>
#include <utility>

#include "mqtt/connection.h"

namespace sts::mqtt {

template <typename Call>
void Connection::tell(Call call) {
  asio::post(loop_, [weak = weak_from_this(), call = std::move(call)]() mutable {
    auto self = weak.lock();
    if (self && self->handler_ != nullptr) call(*self->handler_);
  });
}

}  // namespace sts::mqtt
