#include "channel/reader.h"

#include <algorithm>
#include <utility>

#include "base/reader.h"
#include "protocol/frame.h"

namespace sts::channel {

Reader::Reader(const crypto::KeyPair& self, ReaderRules rules)
    : self_(self), rules_(std::move(rules)) {}

Result<void> Reader::trust(const crypto::PublicKey& sender, std::optional<crypto::Psk> psk) {
  const auto id = sender_id(sender);
  if (const auto known = senders_.find(id); known != senders_.end()) {
    if (known->second.key() != sender) {
      return fail(Errc::refused, "two trusted senders have the same id");
    }
    known->second.set_psk(std::move(psk));
    return {};
  }
  auto shared = crypto::dh(self_.private_key, sender);
  if (!shared) return tl::unexpected(shared.error());
  senders_.try_emplace(id, sender, std::move(*shared), std::move(psk));
  return {};
}

void Reader::distrust(const crypto::PublicKey& sender) {
  const auto known = senders_.find(sender_id(sender));
  if (known == senders_.end()) return;
  std::erase_if(keys_, [&](const auto& key) { return key.second == &known->second; });
  std::erase(unsaved_, known->first);
  senders_.erase(known);
}

bool Reader::restore(const SenderId& sender, ByteView saved, const Moment& at, bool same_topics) {
  auto& known = senders_.at(sender);
  if (!known.restore(saved, at, same_topics)) return false;
  for (const auto& [number, epoch] : known.epochs().by_number()) keys_.emplace(epoch.id, &known);
  return true;
}

void Reader::changed(KnownSender& sender) {
  if (sender.mark_unsaved()) unsaved_.push_back(sender_id(sender.key()));
}

void Reader::saved() {
  for (const auto& id : std::exchange(unsaved_, {})) senders_.at(id).saved();
  saved_waiting_ = last_waiting_;
  ended_waiting_.clear();
}

bool Reader::has_unsaved() const {
  return !unsaved_.empty() || !ended_waiting_.empty() ||
         (!waiting_.empty() && waiting_.back().id > saved_waiting_);
}

std::vector<Reader::WaitingChange> Reader::unsaved_waiting(Instant now) const {
  std::vector<WaitingChange> out;
  for (const auto id : ended_waiting_) out.push_back({id, {}});
  for (const auto& one : waiting_) {
    if (one.id <= saved_waiting_) continue;
    Bytes saved;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(one.until - now).count();
    put_varint(saved, static_cast<std::uint64_t>(std::max<std::int64_t>(0, left)));
    saved.push_back(one.retained ? 1 : 0);
    put_sized(saved, as_bytes(one.topic));
    append(saved, one.payload);
    out.push_back({one.id, std::move(saved)});
  }
  return out;
}

bool Reader::restore_waiting(std::uint64_t id, ByteView saved, Instant now) {
  sts::Reader in(saved);
  const auto left = in.varint();
  const auto retained = in.u8();
  const auto topic = in.sized();
  const auto most = std::chrono::floor<std::chrono::milliseconds>(waiting_time);
  if (!left || *left > static_cast<std::uint64_t>(most.count()) || !retained || *retained > 1 ||
      !topic) {
    return false;
  }
  const auto payload = in.rest();
  const auto sealed = decode_sealed(payload);
  if (!sealed) return false;
  waiting_size_ += payload.size();
  waiting_.push_back({id, sealed->key, std::string(as_text(*topic)), to_bytes(payload),
                      *retained == 1, now + std::chrono::milliseconds(*left)});
  last_waiting_ = saved_waiting_ = id;
  return true;
}

void Reader::drop(const KnownSender& sender, const std::vector<KeyId>& keys) {
  for (const auto& key : keys) {
    const auto [from, to] = keys_.equal_range(key);
    const auto at = std::find_if(from, to, [&](const auto& one) { return one.second == &sender; });
    if (at != to) keys_.erase(at);
  }
}

void Reader::begin_following() {
  for (auto& [id, sender] : senders_) sender.begin_following(rules_.subscribed);
}

void Reader::take_keys(const SenderId& sender, const Arrival& arrival, Instant now, Events& out) {
  const auto known = senders_.find(sender);
  if (known == senders_.end() || arrival.payload.empty()) return;  // empty: taken away
  const auto packet = decode_key_packet(arrival.payload);
  if (!packet) {
    out.emplace_back(
        Notice{NoticeKind::malformed, known->second.key(), std::string(arrival.topic)});
    return;
  }
  std::vector<KeyId> dropped;
  const auto told = out.size();
  const auto* epoch =
      known->second.take(*packet, self_, arrival.retained, now, rules_.subscribed, dropped, out);
  drop(known->second, dropped);
  if (epoch != nullptr || out.size() != told) changed(known->second);
  if (epoch == nullptr) return;
  const KeyId id = epoch->id;
  keys_.emplace(id, &known->second);
  release(id, out);
}

void Reader::take(const Arrival& arrival, Instant now, Events& out) {
  const auto sealed = decode_sealed(arrival.payload);
  if (!sealed && protocol::decode(arrival.payload)) return;  // a session on the same topic
  if (!sealed || arrival.topic.size() > topic_size) {
    out.emplace_back(Notice{NoticeKind::malformed, {}, std::string(arrival.topic)});
  } else if (!open(arrival, *sealed, out)) {
    wait(sealed->key, arrival, now, out);
  }
}

bool Reader::open(const Arrival& arrival, const Sealed& sealed, Events& out) {
  Events failed;
  const auto first = keys_.lower_bound(sealed.key);
  auto at = first;
  for (; at != keys_.end() && at->first == sealed.key; ++at) {
    KnownSender& sender = *at->second;
    if (!rules_.may_write(sender.key(), arrival.topic)) {
      failed.emplace_back(Notice{NoticeKind::forbidden, sender.key(), std::string(arrival.topic)});
      continue;
    }
    if (sender.open(sealed, arrival.topic, arrival.retained, out, failed)) {
      changed(sender);
      return true;
    }
  }
  std::ranges::move(failed, std::back_inserter(out));
  return at != first;
}

void Reader::wait(const KeyId& key, const Arrival& arrival, Instant now, Events& out) {
  if (arrival.payload.size() > waiting_bytes) {
    out.emplace_back(Notice{NoticeKind::undecryptable, {}, std::string(arrival.topic)});
    return;
  }
  waiting_size_ += arrival.payload.size();
  waiting_.push_back({++last_waiting_, key, std::string(arrival.topic), to_bytes(arrival.payload),
                      arrival.retained, now + waiting_time});
  while (waiting_.size() > waiting_messages || waiting_size_ > waiting_bytes) give_up_first(out);
}

void Reader::give_up_first(Events& out) {
  const Waiting& first = waiting_.front();
  out.emplace_back(Notice{NoticeKind::undecryptable, {}, first.topic});
  ended(first);
  waiting_.pop_front();
}

void Reader::ended(const Waiting& one) {
  waiting_size_ -= one.payload.size();
  if (one.id <= saved_waiting_) ended_waiting_.push_back(one.id);
}

void Reader::release(const KeyId& key, Events& out) {
  std::deque<Waiting> others;
  for (auto& one : std::exchange(waiting_, {})) {
    if (one.key != key) {
      others.push_back(std::move(one));
      continue;
    }
    ended(one);
    open({one.topic, one.payload, one.retained}, *decode_sealed(one.payload), out);
  }
  waiting_ = std::move(others);
}

void Reader::advance(Instant now, Events& out) {
  while (!waiting_.empty() && waiting_.front().until <= now) give_up_first(out);
}

Instant Reader::next_deadline() const { return waiting_.empty() ? never : waiting_.front().until; }

std::vector<Report> Reader::report() const {
  std::vector<Report> out;
  for (const auto& [id, sender] : senders_) sender.report(out);
  return out;
}

}  // namespace sts::channel
