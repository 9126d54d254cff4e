// What a reader remembers of the retained messages of one topic: which is the latest, so that an
// older one is told from it, and which came already, under whatever key.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/reader.h"
#include "channel/content.h"
#include "channel/limits.h"
#include "channel/names.h"

namespace sts::channel {

/// A message by its place, and what orders it among others.
struct Position {
  Origin origin;
  std::optional<std::uint64_t> time = {};  // as in Content
  Digest content = {};                     // of a retained one

  bool before_in_stream(const Position& other) const {
    return origin.stream == other.origin.stream &&
           std::pair(origin.epoch, origin.counter) <
               std::pair(other.origin.epoch, other.origin.counter);
  }
  /// Streams are ordered by their sender's clock alone, and not at all without one.
  bool before(const Position& other) const {
    if (origin.stream == other.origin.stream) return before_in_stream(other);
    return time && other.time && *time < *other.time;
  }
  /// As far as `other` may be believed, whose place a reader of another epoch may have made up.
  bool before_claim(const Position& other) const {
    return before(other) && time && other.time && *time <= *other.time;
  }
  /// The same message. The content counts: a reader of one epoch may claim a place in another.
  bool same(const Position& other) const {
    return origin == other.origin && content == other.content;
  }
};

inline void put(Bytes& out, const Position& position) {
  append(out, position.origin.stream.bytes);
  put_varint(out, position.origin.epoch);
  put_varint(out, position.origin.counter);
  put_varint(out, position.time ? *position.time + 1 : 0);
  append(out, position.content);
}

inline std::optional<Position> get_position(sts::Reader& in) {
  const auto stream = in.array<8>();
  const auto epoch = in.varint();
  const auto counter = in.varint();
  const auto time = in.varint();  // 0: none
  const auto content = in.array<sizeof(Digest)>();
  if (!stream || !epoch || !counter || !time || *time > times_end || !content) return std::nullopt;
  Position out{{StreamId{*stream}, *epoch, *counter}, {}, *content};
  if (*time > 0) out.time = *time - 1;
  return out;
}

class RetainedMemory {
 public:
  /// Whether a later one is known. One that was sealed anew says so only as far as its time does,
  /// too, which its epoch bounds, and until a later one of its stream is known.
  bool replaced(const Position& position) const {
    return std::ranges::any_of(latest_, [&](const auto& one) { return position.before(one); }) ||
           std::ranges::any_of(resealed_, [&](const auto& one) {
             return position.before_claim(one) && !overtaken(one);
           });
  }
  /// Whether it was delivered, as far as this remembers.
  bool came(const Position& position) const {
    const auto same = [&](const auto& one) { return position.same(one); };
    return std::ranges::any_of(latest_, same) || std::ranges::any_of(resealed_, same);
  }

  /// The latest of its stream, unless a later one is.
  void remember(const Position& position) {
    if (overtaken(position)) return;
    std::erase_if(latest_,
                  [&](const auto& one) { return one.origin.stream == position.origin.stream; });
    push(latest_, position);
  }
  /// Delivered before its original came.
  void remember_resealed(const Position& position) { push(resealed_, position); }

  void put(Bytes& out) const {
    for (const auto* all : {&latest_, &resealed_}) {
      put_varint(out, all->size());
      for (const auto& one : *all) channel::put(out, one);
    }
  }
  static std::optional<RetainedMemory> get(sts::Reader& in) {
    std::optional<RetainedMemory> out(std::in_place);
    for (auto* all : {&out->latest_, &out->resealed_}) {
      const bool good = in.each(retained_remembered, [&] {
        const auto one = get_position(in);
        if (one) all->push_back(*one);
        return one.has_value();
      });
      if (!good) return std::nullopt;
    }
    return out;
  }

 private:
  bool overtaken(const Position& position) const {
    return std::ranges::any_of(latest_,
                               [&](const auto& one) { return position.before_in_stream(one); });
  }
  static void push(std::vector<Position>& to, const Position& position) {
    to.push_back(position);
    if (to.size() > retained_remembered) to.erase(to.begin());
  }

  std::vector<Position> latest_;  // one a stream
  std::vector<Position> resealed_;
};

}  // namespace sts::channel
