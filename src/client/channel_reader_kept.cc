// What of a channel reader outlives its process.
#include <fmt/format.h>

#include <algorithm>

#include "base/reader.h"
#include "client/channel_reader.h"
#include "crypto/hash.h"

namespace sts::client {
namespace {

constexpr std::size_t digest_size = 16;

/// With other filters, what goes on is not what was subscribed to before.
Bytes digest(std::vector<std::string> filters) {
  std::ranges::sort(filters);
  Bytes all;
  for (const auto& filter : filters) put_sized(all, as_bytes(filter));
  const auto hash = crypto::hash(all);
  return {hash.begin(), hash.begin() + digest_size};
}

}  // namespace

Result<void> ChannelReader::keep(const store::Home& home, Random& random) {
  if (options_.client_id.empty()) return {};
  auto lock = store::ReaderLock::acquire(home, options_.client_id);
  if (!lock) return tl::unexpected(lock.error());
  kept_ = std::make_unique<Kept>(Kept{std::move(*lock), {}, {}, digest(*filters_), {}});
  if (options_.inbox) {
    auto inbox = store::Inbox::open(*options_.inbox, identity_->private_key, random);
    if (!inbox) return tl::unexpected(inbox.error());
    kept_->inbox.emplace(std::move(*inbox));
  } else {
    auto state = store::State::open(home, identity_->private_key, random);
    if (!state) return tl::unexpected(state.error());
    if (!state->warning().empty()) warnings_.push_back({Level::warning, state->warning()});
    kept_->state.emplace(std::move(*state));
  }
  return restore_waiting();
}

Result<void> ChannelReader::restore_waiting() {
  auto change = kept_->store().begin();
  if (!change) return tl::unexpected(change.error());
  const auto waiting = change->waiting(options_.client_id);
  if (!waiting) return tl::unexpected(waiting.error());
  for (const auto& [id, saved] : *waiting) {
    if (saved && reader_->restore_waiting(id, *saved, clock_())) continue;
    auto removed = change->remove_waiting(options_.client_id, id);
    if (!removed) return removed;
  }
  return change->commit();
}

channel::Moment ChannelReader::moment() const { return {clock_(), unix_ms(wall_clock_())}; }

Result<void> ChannelReader::restore(const std::vector<crypto::PublicKey>& senders) {
  if (!kept_ || senders.empty()) return {};
  auto change = kept_->store().begin();
  if (!change) return tl::unexpected(change.error());
  for (const auto& sender : senders) {
    const auto id = channel::sender_id(sender);
    auto row = change->reader(options_.client_id, id.bytes);
    bool good = row.has_value();
    if (!good && row.error().code != Errc::malformed) return tl::unexpected(row.error());
    if (good && !*row) {
      kept_->rows.erase(id);
      continue;
    }
    kept_->rows.insert(id);
    if (good) {
      const ByteView bytes = **row;
      good = bytes.size() >= digest_size;
      const bool same = good && std::ranges::equal(bytes.first(digest_size), kept_->filters);
      good = good && reader_->restore(id, bytes.subspan(digest_size), moment(), same);
    }
    if (!good) {
      warnings_.push_back(
          {Level::warning,
           fmt::format("what was kept of {} is damaged, another identity's or a later version's: "
                       "it begins anew, and what came before may come again",
                       name(sender))});
    }
  }
  return {};
}

Result<std::vector<channel::SenderId>> ChannelReader::store_changes(
    std::span<const store::Inbox::Message> messages) {
  using Row = store::ReaderStore::Change::Row;
  auto change = kept_->store().begin();
  if (!change) return tl::unexpected(change.error());
  if (kept_->inbox) {
    if (auto put = kept_->inbox->put(messages); !put) return tl::unexpected(put.error());
  }
  std::vector<channel::SenderId> gone;
  auto rows = kept_->rows;
  for (const auto& id : reader_->unsaved()) {
    crypto::WipedBytes row;
    append(row, kept_->filters);
    append(row, reader_->save(id, moment()));
    const auto put = change->put_reader(options_.client_id, id.bytes, row,
                                        rows.contains(id) ? Row::replaced : Row::fresh);
    if (!put) return tl::unexpected(put.error());
    rows.insert(id);
    if (!*put) gone.push_back(id);
  }
  for (const auto& [id, saved] : reader_->unsaved_waiting(clock_())) {
    auto done = saved ? change->put_waiting(options_.client_id, id, *saved)
                      : change->remove_waiting(options_.client_id, id);
    if (!done) return tl::unexpected(done.error());
  }
  if (auto done = change->commit(); !done) return tl::unexpected(done.error());
  reader_->saved();
  kept_->rows = std::move(rows);
  return gone;
}

Result<ChannelReader::Output> ChannelReader::save(std::span<const store::Inbox::Message> messages) {
  Output out;
  if (!kept_ || (!reader_->has_unsaved() && messages.empty())) return out;
  const auto gone = store_changes(messages);
  if (!gone) return tl::unexpected(gone.error());
  for (const auto& id : *gone) {
    const auto sender =
        std::ranges::find_if(trusted_, [&](auto& key) { return channel::sender_id(key) == id; });
    kept_->rows.erase(id);
    reader_->distrust(*sender);
    if (auto again = trust(*sender); !again) out.lines.push_back(error_line(again.error()));
    out.lines.push_back({Level::info, fmt::format("{} was reset: it begins anew", name(*sender))});
    out.more_keys = true;  // they come again with a new subscription
  }
  return out;
}

}  // namespace sts::client
