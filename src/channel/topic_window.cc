#include "channel/topic_window.h"

#include <algorithm>
#include <functional>

#include "channel/limits.h"

namespace sts::channel {
namespace {

// There is one retained message a topic at a time; this many have to come and be replaced before
// anything is sent live.
constexpr std::size_t ahead_max = 32;

}  // namespace

bool TopicWindow::is_new(std::uint64_t counter) const {
  return seen_.is_new(counter) && std::ranges::find(ahead_, counter) == ahead_.end();
}

std::uint64_t TopicWindow::known() const {
  return seen_.next() - std::min(seen_.next(), protocol::ReplayWindow::size);
}

std::uint64_t TopicWindow::unseen(std::uint64_t from, std::uint64_t to) const {
  auto out = to - from;
  for (auto i = std::max(from, known()); i < std::min(to, seen_.next()); ++i) {
    if (!seen_.is_new(i)) --out;
  }
  for (const auto i : ahead_) {
    if (i >= from && i < to) --out;
  }
  return out;
}

void TopicWindow::mark(std::uint64_t counter) {
  std::erase_if(ahead_, [&](auto i) {
    if (i <= counter) seen_.mark(i);
    return i <= counter;
  });
  seen_.mark(counter);
}

TopicWindow::Change TopicWindow::mark_live(std::uint64_t counter) {
  Change out;
  if (!first_due_) first_due_ = highest_due_ = counter;
  if (counter >= highest_due_) {
    out.missing = unseen(highest_due_, counter);
    missing_ += out.missing;
    highest_due_ = counter + 1;
  } else {
    out.reordered = true;
    out.found = counter >= *first_due_;
    if (out.found) --missing_;
  }
  mark(counter);
  return out;
}

bool TopicWindow::mark_retained(std::uint64_t counter) {
  const bool found = first_due_ && counter >= *first_due_ && counter < highest_due_;
  if (found) --missing_;
  if (counter < seen_.next()) {
    seen_.mark(counter);
    return found;
  }
  ahead_.insert(std::ranges::upper_bound(ahead_, counter), counter);
  if (ahead_.size() > ahead_max) mark(ahead_.front());
  return found;
}

std::uint64_t TopicWindow::finish(std::uint64_t next) {
  if (!first_due_ || next <= highest_due_) return 0;
  const auto more = unseen(highest_due_, next);
  highest_due_ = next;
  missing_ += more;
  return more;
}

std::uint64_t TopicWindow::due_from_start() {
  const auto more = first_due_ ? unseen(0, *first_due_) : 0;
  first_due_ = 0;
  missing_ += more;
  return more;
}

void TopicWindow::put(Bytes& out) const {
  // Of the window how many in turn weren't and were seen: the last one was.
  put_varint(out, seen_.next());
  for (auto at = known(); at < seen_.next();) {
    for (const bool is_new : {true, false}) {
      const auto from = at;
      while (at < seen_.next() && seen_.is_new(at) == is_new) ++at;
      put_varint(out, at - from);
    }
  }
  put_varint(out, ahead_.size());
  for (const auto i : ahead_) put_varint(out, i);
  out.push_back(first_due_ ? 1 : 0);
  if (!first_due_) return;
  for (const auto i : {*first_due_, highest_due_, missing_}) put_varint(out, i);
}

bool TopicWindow::consistent(std::uint64_t end) const {
  if (std::ranges::adjacent_find(ahead_, std::greater_equal<>()) != ahead_.end()) return false;
  const auto highest = ahead_.empty() ? seen_.next() : ahead_.back() + 1;
  if (highest > end || highest_due_ > end || (!ahead_.empty() && ahead_.front() < seen_.next())) {
    return false;
  }
  const auto first = first_due_.value_or(0);
  if (first > highest_due_) return false;
  // What left the window may have been seen or not.
  const auto least = std::min(std::max(first, known()), highest_due_);
  return missing_ >= unseen(least, highest_due_) && missing_ <= unseen(first, highest_due_);
}

std::optional<TopicWindow> TopicWindow::get(sts::Reader& in, std::uint64_t end) {
  std::optional<TopicWindow> out(TopicWindow(false));
  const auto next = in.varint();
  if (!next || *next > end) return std::nullopt;
  const auto from = *next - std::min(*next, protocol::ReplayWindow::size);
  for (auto at = from; at < *next;) {
    const auto unseen = in.varint();
    const auto seen = in.varint();
    if (!unseen || !seen || *unseen > *next - at || *seen == 0 || (*unseen == 0 && at != from) ||
        *seen > *next - at - *unseen) {
      return std::nullopt;
    }
    at += *unseen;
    for (const auto seen_end = at + *seen; at < seen_end; ++at) out->seen_.mark(at);
  }
  const auto get_ahead = [&] {
    const auto counter = in.varint();
    if (counter) out->ahead_.push_back(*counter);
    return counter && *counter < end;
  };
  if (!in.each(ahead_max, get_ahead)) return std::nullopt;
  const auto due = in.u8();
  if (!due || *due > 1) return std::nullopt;
  if (*due == 1) {
    out->first_due_ = in.varint();
    const auto highest = in.varint();
    const auto missing = in.varint();
    if (!out->first_due_ || !highest || !missing) return std::nullopt;
    out->highest_due_ = *highest;
    out->missing_ = *missing;
  }
  if (!out->consistent(end)) out.reset();
  return out;
}

}  // namespace sts::channel
