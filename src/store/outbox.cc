#include "store/outbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/reader.h"
#include "base/time.h"
#include "crypto/hash.h"

namespace sts::store {
namespace {

/// Removed in one transaction, so that the log of the file stays small.
constexpr std::uint64_t at_once = 10'000;
constexpr std::uint64_t all_times = std::uint64_t{1} << 62U;
constexpr std::uint64_t pages_worth_shrinking = 1024;

/// SQL: what is in the lane whose destination is bound to ?3, if it has one.
constexpr auto in_lane = "apart = (?3 IS NOT NULL) AND (?3 IS NULL OR name = ?3)";

Bytes place_of(const std::array<std::uint8_t, 8>& stream, std::uint64_t number) {
  Bytes out(stream.begin(), stream.end());
  put_varint(out, number);
  return out;
}

crypto::WipedBytes encode(const Outbox::Message& message) {
  Bytes destination;
  put_sized(destination, as_bytes(message.destination));
  crypto::WipedBytes out;
  out.reserve(destination.size() + message.content.size());
  append(out, destination);
  append(out, message.content);
  return out;
}

std::optional<Outbox::Message> decode(ByteView plaintext) {
  Reader in(plaintext);
  const auto destination = in.sized();
  if (!destination) return std::nullopt;
  Outbox::Message out;
  out.destination = as_text(*destination);
  out.content = to_bytes(in.rest());
  return out;
}

std::size_t size_of(const Outbox::Message& message) {
  return message.destination.size() + message.content.size();
}

}  // namespace

Result<Outbox> Outbox::open(State state, const OutboxOptions& options) {
  Outbox out(std::move(state), options);
  if (options.sync == OutboxOptions::Sync::normal) {
    if (auto set = out.database().run("PRAGMA synchronous = NORMAL"); !set) {
      return tl::unexpected(set.error());
    }
  }
  return out;
}

Result<Outbox::Total> Outbox::total() {
  auto select = Statement::prepare(
      database(),
      "SELECT next, messages, bytes, latest, dropped_full, dropped_old FROM outbox_total");
  if (!select) return tl::unexpected(select.error());
  const auto row = select->step();
  if (!row) return tl::unexpected(row.error());
  return Total{select->integer(0),
               select->integer(1),
               select->integer(2),
               select->integer(3),
               {select->integer(4), select->integer(5)}};
}

Result<void> Outbox::write(const Total& total) {
  return database().run(
      fmt::format("UPDATE outbox_total SET next = {}, messages = {}, bytes = {}, latest = {},"
                  " dropped_full = {}, dropped_old = {}",
                  total.next, total.messages, total.bytes, total.latest, total.dropped.full,
                  total.dropped.old));
}

Bytes Outbox::name_of(const std::string& destination) const {
  const auto digest = crypto::kdf(state_.key_.bytes(), "STS 2 queue", as_bytes(destination));
  return to_bytes(ByteView(digest.bytes()).first(16));
}

Result<Outbox::Queue> Outbox::queue(const Message& message) {
  const auto name = name_of(message.destination);
  Bytes place = to_bytes(state_.place_);
  sts::append(place, message.audience);
  auto select = Statement::prepare(
      database(), "SELECT id, next, stream FROM queue WHERE name = ? AND place = ?");
  if (!select) return tl::unexpected(select.error());
  select->bind(1, name);
  select->bind(2, place);
  const auto row = select->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return make_queue(name, place, message.apart);
  Queue out{select->integer(0), select->integer(1)};
  const auto stream = select->blob(2);
  if (stream.size() != out.stream.size()) return fail(Errc::malformed, "the state is damaged");
  std::ranges::copy(stream, out.stream.begin());
  return out;
}

Result<Outbox::Queue> Outbox::make_queue(ByteView name, ByteView place, bool apart) {
  auto old = Statement::prepare(database(),
                                "DELETE FROM queue WHERE name = ? AND NOT EXISTS"
                                " (SELECT 1 FROM outbox WHERE outbox.queue = queue.id)");
  if (!old) return tl::unexpected(old.error());
  old->bind(1, name);
  if (auto done = old->run(); !done) return tl::unexpected(done.error());
  // The others number no more, whoever comes back.
  auto closed = Statement::prepare(database(), "UPDATE queue SET place = id WHERE name = ?");
  if (!closed) return tl::unexpected(closed.error());
  closed->bind(1, name);
  if (auto done = closed->run(); !done) return tl::unexpected(done.error());
  auto id = database().number("SELECT coalesce(max(id), 0) + 1 FROM queue");
  if (!id) return tl::unexpected(id.error());
  Queue out{*id};
  state_.random_.fill(out.stream);
  auto put = Statement::prepare(database(), "INSERT INTO queue VALUES (?, ?, ?, ?, 0, ?)");
  if (!put) return tl::unexpected(put.error());
  put->bind(1, out.id);
  put->bind(2, name);
  put->bind(3, place);
  put->bind(4, out.stream);
  put->bind(5, std::uint64_t{apart});
  if (auto done = put->run(); !done) return tl::unexpected(done.error());
  return out;
}

Result<void> Outbox::write(const Queues& queues) {
  for (const auto& [name, queue] : queues) {
    auto done = database().run(
        fmt::format("UPDATE queue SET next = {} WHERE id = {}", queue.next, queue.id));
    if (!done) return done;
  }
  return {};
}

bool Outbox::fits(const Total& total, std::size_t size) const {
  return total.messages < options_.messages && total.bytes + size <= options_.bytes;
}

Result<std::size_t> Outbox::accept(std::span<const Message> messages, std::uint64_t now_ms) {
  if (!messages.empty() && (size_of(messages[0]) > options_.bytes || options_.messages == 0)) {
    return fail(Errc::limit,
                fmt::format("a message of {} bytes is larger than the outbox may grow, {} bytes",
                            size_of(messages[0]), options_.bytes),
                "outbox_bytes in the config says how large");
  }
  auto change = state_.begin();
  if (!change) return tl::unexpected(change.error());
  auto total = this->total();
  if (!total) return tl::unexpected(total.error());
  total->latest = std::max(total->latest, now_ms);  // a clock that went back
  auto put = Statement::prepare(database(), "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?)");
  if (!put) return tl::unexpected(put.error());
  Queues queues;
  std::size_t done = 0;
  for (; done < messages.size(); ++done) {
    const auto& message = messages[done];
    const auto size = size_of(message);
    if (size > options_.bytes) break;  // refused when it is the first
    if (!fits(*total, size)) {
      if (options_.when_full == OutboxOptions::Full::block) break;
      if (options_.when_full == OutboxOptions::Full::drop_new) {
        ++total->dropped.full;
        continue;
      }
      while (!fits(*total, size)) {
        auto removed = remove(*total, 0, all_times, 1);
        if (!removed) return tl::unexpected(removed.error());
        if (*removed == 0) return fail(Errc::malformed, "the state is damaged");
        total->dropped.full += *removed;
      }
    }
    const std::pair key(message.destination, message.audience);
    auto known = queues.find(key);
    if (known == queues.end()) {
      auto found = queue(message);
      if (!found) return tl::unexpected(found.error());
      known = queues.emplace(key, *found).first;
    }
    const auto number = known->second.next++;
    const auto sealed = state_.seal(place_of(known->second.stream, number), encode(message));
    put->bind(1, total->next++);
    put->bind(2, known->second.id);
    put->bind(3, number);
    put->bind(4, size);
    put->bind(5, total->latest);
    put->bind(6, sealed);
    if (auto ran = put->run(); !ran) return tl::unexpected(ran.error());
    ++total->messages;
    total->bytes += size;
  }
  if (done == 0) return done;
  if (auto written = write(queues); !written) return tl::unexpected(written.error());
  if (auto written = write(*total); !written) return tl::unexpected(written.error());
  if (auto committed = change->commit(); !committed) return tl::unexpected(committed.error());
  return done;
}

Result<Outbox::Batch> Outbox::next(std::uint64_t from, std::size_t messages, std::size_t bytes,
                                   std::uint64_t now_ms, const Lane* lane) {
  if (auto dropped = drop_old(now_ms); !dropped) return tl::unexpected(dropped.error());
  auto select = Statement::prepare(
      database(),
      fmt::format(
          "SELECT seq, stream, number, accepted, sealed FROM outbox JOIN queue ON queue.id = queue"
          " WHERE seq >= ?1 AND {} ORDER BY seq LIMIT ?2",
          lane != nullptr ? in_lane : "1"));
  if (!select) return tl::unexpected(select.error());
  select->bind(1, from);
  select->bind(2, messages);
  const auto name = lane != nullptr ? name_of(*lane) : Bytes();
  if (lane != nullptr && !lane->empty()) select->bind(3, name);
  Batch out;
  out.next = from;
  for (std::size_t held = 0; held < bytes;) {
    const auto row = select->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    Entry entry{select->integer(0), {}, select->integer(2), select->integer(3), {}};
    out.next = entry.seq + 1;
    const auto stream = select->blob(1);
    std::copy_n(stream.begin(), std::min(stream.size(), entry.stream.size()), entry.stream.begin());
    auto plaintext = state_.open_sealed(place_of(entry.stream, entry.number), select->blob(4));
    auto message = plaintext ? decode(*plaintext) : std::nullopt;
    if (!message) {
      ++out.unreadable;
      continue;
    }
    entry.message = std::move(*message);
    held += size_of(entry.message);
    out.entries.push_back(std::move(entry));
  }
  return out;
}

Result<void> Outbox::taken(std::span<const std::uint64_t> seqs) {
  if (seqs.empty()) return {};
  auto change = state_.begin();
  if (!change) return tl::unexpected(change.error());
  auto total = this->total();
  if (!total) return tl::unexpected(total.error());
  auto remove = Statement::prepare(database(), "DELETE FROM outbox WHERE seq = ? RETURNING size");
  if (!remove) return tl::unexpected(remove.error());
  for (const auto seq : seqs) {
    remove->bind(1, seq);
    const auto row = remove->step();
    if (!row) return tl::unexpected(row.error());
    if (*row) {  // else it was dropped or purged meanwhile
      --total->messages;
      total->bytes -= remove->integer(0);
      if (auto end = remove->step(); !end) return tl::unexpected(end.error());
    }
    remove->reset();
  }
  if (auto written = write(*total); !written) return written;
  if (auto committed = change->commit(); !committed) return committed;
  return total->messages == 0 ? shrink() : Result<void>();
}

Result<std::uint64_t> Outbox::number(std::string_view what, std::string_view where,
                                     const Lane* lane) {
  auto select = Statement::prepare(
      database(),
      fmt::format("SELECT {} FROM outbox JOIN queue ON queue.id = queue WHERE {} AND {}", what,
                  where, lane != nullptr ? in_lane : "1"));
  if (!select) return tl::unexpected(select.error());
  const auto name = lane != nullptr ? name_of(*lane) : Bytes();
  if (lane != nullptr && !lane->empty()) select->bind(3, name);
  const auto row = select->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? select->integer(0) : 0;
}

Result<bool> Outbox::waits(const Lane* lane, std::uint64_t first, std::uint64_t last) {
  return number("1", fmt::format("seq BETWEEN {} AND {}", first, last), lane).map([](auto found) {
    return found != 0;
  });
}

Result<std::uint64_t> Outbox::waiting(const Lane& lane) { return number("count(*)", "1", &lane); }

Result<Outbox::Stats> Outbox::stats() {
  auto total = this->total();
  if (!total) return tl::unexpected(total.error());
  auto oldest = database().number("SELECT accepted FROM outbox ORDER BY seq LIMIT 1");
  if (!oldest) return tl::unexpected(oldest.error());
  return Stats{total->messages, total->bytes, *oldest, total->next - 1, total->dropped};
}

Result<Outbox::Dropped> Outbox::take_dropped() {
  auto change = state_.begin();
  if (!change) return tl::unexpected(change.error());
  auto total = this->total();
  if (!total) return tl::unexpected(total.error());
  const auto out = std::exchange(total->dropped, {});
  if (out.full == 0 && out.old == 0) return out;
  if (auto written = write(*total); !written) return tl::unexpected(written.error());
  if (auto committed = change->commit(); !committed) return tl::unexpected(committed.error());
  return out;
}

Result<std::uint64_t> Outbox::remove(Total& total, std::uint64_t from_ms, std::uint64_t before_ms,
                                     std::uint64_t at_most) {
  auto remove = Statement::prepare(
      database(),
      "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE accepted >= ?"
      " AND accepted < ? ORDER BY seq LIMIT ?) RETURNING size");
  if (!remove) return tl::unexpected(remove.error());
  remove->bind(1, from_ms);
  remove->bind(2, before_ms);
  remove->bind(3, at_most);
  for (std::uint64_t count = 0;; ++count) {
    const auto row = remove->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return count;
    --total.messages;
    total.bytes -= remove->integer(0);
  }
}

Result<void> Outbox::drop_old(std::uint64_t now_ms) {
  if (options_.age_ms == 0) return {};
  auto stats = this->stats();
  if (!stats) return tl::unexpected(stats.error());
  // Times only grow with seq, so what is old stands first, or waits for those before a clock was
  // set.
  const auto old = [&](std::uint64_t accepted) {
    return accepted >= first_right_clock_ms && accepted + options_.age_ms < now_ms;
  };
  if (!old(stats->oldest_ms)) return {};
  for (;;) {
    auto change = state_.begin();
    if (!change) return tl::unexpected(change.error());
    auto total = this->total();
    if (!total) return tl::unexpected(total.error());
    auto removed = remove(*total, first_right_clock_ms, now_ms - options_.age_ms, at_once);
    if (!removed) return tl::unexpected(removed.error());
    total->dropped.old += *removed;
    if (auto written = write(*total); !written) return written;
    if (auto committed = change->commit(); !committed) return committed;
    if (*removed < at_once) return {};
  }
}

Result<std::uint64_t> Outbox::purge(std::optional<std::uint64_t> before_ms) {
  for (std::uint64_t count = 0;;) {
    auto change = state_.begin();
    if (!change) return tl::unexpected(change.error());
    auto total = this->total();
    if (!total) return tl::unexpected(total.error());
    auto removed = remove(*total, 0, before_ms.value_or(all_times), at_once);
    if (!removed) return removed;
    count += *removed;
    if (auto written = write(*total); !written) return tl::unexpected(written.error());
    if (auto committed = change->commit(); !committed) return tl::unexpected(committed.error());
    if (*removed < at_once) {
      if (auto shrunk = shrink(); !shrunk) return tl::unexpected(shrunk.error());
      return count;
    }
  }
}

Result<void> Outbox::shrink() {
  auto free = database().number("PRAGMA freelist_count");
  if (!free) return tl::unexpected(free.error());
  if (*free < pages_worth_shrinking) return {};
  auto change = state_.begin();  // which pages move is to be counted, too
  if (!change) return tl::unexpected(change.error());
  if (auto done = database().run("PRAGMA incremental_vacuum"); !done) return done;
  return change->commit();
}

}  // namespace sts::store
