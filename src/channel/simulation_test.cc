// Random schedules of a hostile broker, crashes and changes of membership. After each: only readers
// of an epoch have opened it, nothing came twice, and whatever didn't come is told.
// STS_SCHEDULES sets how many; a failure names its seed, and STS_SEED repeats it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

struct Sent {
  std::string topic;
  std::uint64_t epoch = 0;
};

struct Epoch {
  std::size_t stream = 0, place = 0;  // the place in its stream
  std::set<const TestReader*> members;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 3; ++i) followers_.push_back({&world_.add_reader()});
    begin_epoch();
  }

  void run() {
    const auto steps = 20 + pick(100);
    for (std::uint64_t i = 0; i < steps; ++i) step();
    // The broker behaves, and the sender goes on once.
    for (auto& follower : followers_) {
      while (!follower.queue.empty()) deliver_first(follower);
    }
    begin_epoch();
    for (auto& follower : followers_) {
      while (!follower.queue.empty()) deliver_first(follower);
      check(follower);
    }
  }

 private:
  struct Arriving {
    Publication publication;
    bool retained = false;
    std::uint64_t keys_of = 0;  // the epoch, for a key packet as it was sent
  };
  struct Follower {
    TestReader* reader;
    std::deque<Arriving> queue = {};
    std::map<std::uint64_t, Instant> keys = {};  // of the epochs that it took, and when
    crypto::WipedBytes saved = {};  // what it knew when it had heard so many, and had these keys
    std::size_t heard = 0;
    std::map<std::uint64_t, Instant> saved_keys = {};
  };

  std::uint64_t pick(std::uint64_t below) {
    std::array<std::uint8_t, 8> bytes{};
    random_.fill(bytes);
    std::uint64_t out = 0;
    for (auto byte : bytes) out = out << 8U | byte;
    return out % below;
  }
  bool one_in(std::uint64_t n) { return pick(n) == 0; }
  Follower& any_follower() { return followers_[pick(followers_.size())]; }

  void step() {
    switch (pick(16)) {
      case 0:
        change_members();
        return begin_epoch();
      case 1:
        return begin_epoch();
      case 2:
        if (one_in(3)) restart_sender();
        return;
      case 3:
        if (one_in(4)) return restart_reader(any_follower());
        return one_in(2) ? save(any_follower()) : restore(any_follower());
      case 4:
        if (log_.empty()) return;
        if (one_in(4)) return rewind(any_follower());
        return tamper(any_follower(), log_[pick(log_.size())]);
      case 5:
        world_.now += std::chrono::seconds(pick(one_in(10) ? 4000 : 40));
        for (auto& follower : followers_) {
          follower.reader->advance(world_.now);
        }
        return;
      case 6:
      case 7:
      case 8:
      case 9:
        return seal();
      default:
        return broker(any_follower());
    }
  }

  void change_members() {
    auto& reader = *any_follower().reader;
    const auto before = world_.members.size();
    world_.remove_reader(reader);
    if (world_.members.size() == before) world_.members.push_back({reader.identity.public_key});
  }

  void begin_epoch() {
    auto& epoch = epochs_[world_.number + 1];
    epoch.stream = stream_;
    epoch.place = place_++;
    for (auto& follower : followers_) {
      if (is_member(*follower.reader)) epoch.members.insert(follower.reader);
    }
    for (const auto& one : world_.begin_epoch()) {
      const bool keys = World::is_keys(one.topic) && !one.payload.empty();
      send({one, false, keys ? world_.number : 0});
    }
  }
  bool is_member(const TestReader& reader) const {
    return std::ranges::any_of(world_.members,
                               [&](auto& one) { return one.key == reader.identity.public_key; });
  }
  void restart_sender() {
    world_.restart_sender();
    ++stream_;
    place_ = 0;
    begin_epoch();
  }
  void restart_reader(Follower& follower) {
    auto& reader = *follower.reader;
    reader.restart();
    ASSERT_TRUE(reader.reader->trust(world_.identity.public_key, std::nullopt));
    reader.heard.clear();
    reader.notices.clear();
    follower.keys.clear();
    follower.saved.clear();
    follower.queue.clear();
    subscribe(follower);
  }
  void subscribe(Follower& follower) {
    for (const auto& [topic, payload] : world_.retained) {
      follower.queue.push_back({{topic, payload, true}, true});
    }
  }

  void save(Follower& follower) {
    follower.saved = world_.save(*follower.reader);
    follower.heard = follower.reader->heard.size();
    follower.saved_keys = follower.keys;
    const auto memory = decode_memory(world_.identity.public_key, follower.saved, {world_.now});
    ASSERT_TRUE(memory);
    EXPECT_EQ(encode(world_.identity.public_key, *memory, {world_.now}), follower.saved);
  }
  /// It crashes, and knows nothing that came after it saved last: that may come again, and is
  /// missing where it doesn't. What the broker has for it, it keeps.
  void restore(Follower& follower) {
    if (one_in(2)) save(follower);
    if (follower.saved.empty()) return;
    auto& reader = *follower.reader;
    reader.restart(world_.identity.public_key, follower.saved, {world_.now});
    reader.heard.resize(follower.heard);
    follower.keys = follower.saved_keys;
    if (one_in(2)) subscribe(follower);
  }

  void seal() {
    if (world_.sender->epoch_due(world_.now)) begin_epoch();
    const std::string topic = one_in(2) ? "a" : "b";
    const auto text = std::to_string(sent_.size());
    const bool retain = one_in(5);
    send({world_.seal(topic, text, retain)});
    sent_.push_back({topic, world_.number});
  }
  void send(const Arriving& one) {
    const auto& [topic, payload, retain] = one.publication;
    if (retain && payload.empty()) {
      world_.retained.erase(topic);
    } else if (retain) {
      world_.retained[topic] = payload;
    }
    log_.push_back(one);
    for (auto& follower : followers_) follower.queue.push_back(one);
  }

  void broker(Follower& follower) {
    if (follower.queue.empty()) return;
    switch (pick(12)) {
      case 0:  // drop
        follower.queue.pop_front();
        return;
      case 1:  // double
        follower.queue.push_front(follower.queue.front());
        return;
      case 2: {  // reorder
        const auto at = pick(follower.queue.size());
        std::swap(follower.queue.front(), follower.queue[at]);
        return;
      }
      case 3:
        return tamper(follower, follower.queue.front());
      case 4:  // lie about its age
        follower.queue.front().retained = true;
        return;
      default:
        return deliver_first(follower);
    }
  }

  /// Again what was sent once, one after the other: a key packet may be among it.
  void rewind(Follower& follower) {
    const auto from = pick(log_.size());
    const auto to = std::min(log_.size(), from + 1 + pick(20));
    for (auto i = from; i < to; ++i) deliver(follower, log_[i]);
  }

  /// Another topic, another bit, or again what was sent once.
  void tamper(Follower& follower, Arriving one) {
    if (one_in(2)) {
      follower.queue.push_front(one);
      return;
    }
    one.keys_of = 0;
    auto& [topic, payload, retain] = one.publication;
    if (!World::is_keys(topic) && one_in(2)) {
      topic = topic == "a" ? "b" : "a";
    } else if (!payload.empty()) {
      payload[pick(payload.size())] ^= static_cast<std::uint8_t>(1U << pick(8));
    }
    world_.deliver(*follower.reader, one.publication, one.retained);
  }

  void deliver_first(Follower& follower) {
    const auto one = std::move(follower.queue.front());
    follower.queue.pop_front();
    deliver(follower, one);
  }
  void deliver(Follower& follower, const Arriving& one) {
    const auto refused = follower.reader->count(NoticeKind::old_key);
    world_.deliver(*follower.reader, one.publication, one.retained);
    if (one.keys_of != 0 && epochs_[one.keys_of].members.contains(follower.reader) &&
        follower.reader->count(NoticeKind::old_key) == refused) {
      follower.keys.emplace(one.keys_of, world_.now);
    }
  }

  void check(const Follower& follower) {
    const auto& reader = *follower.reader;
    std::map<std::string, std::uint64_t> all_lost, told_lost;
    std::set<std::size_t> came;
    for (const auto& one : reader.heard) {
      const auto index = std::stoul(std::string(as_text(one.payload)));
      ASSERT_LT(index, sent_.size());
      EXPECT_EQ(one.topic, sent_[index].topic);
      EXPECT_TRUE(came.insert(index).second) << "message " << index << " came twice";
      EXPECT_TRUE(may_open(reader, index)) << "message " << index << " was for others";
    }
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      if (came.contains(i) || !epochs_[sent_[i].epoch].members.contains(&reader)) continue;
      ++all_lost[sent_[i].topic];
      if (is_due(follower, sent_[i].epoch)) ++told_lost[sent_[i].topic];
    }
    for (const auto* topic : {"a", "b"}) {
      const auto missing = reader.counts(topic).missing;
      const auto rolled_back = reader.counts(topic).rolled_back;
      EXPECT_LE(told_lost[topic], missing + rolled_back) << topic << " lost some unnoticed";
    }
  }

  /// A message that was retained is sealed anew for those who are readers later.
  bool may_open(const TestReader& reader, std::size_t index) const {
    for (auto at = epochs_.find(sent_[index].epoch); at != epochs_.end(); ++at) {
      if (at->second.members.contains(&reader)) return true;
    }
    return false;
  }

  /// Whether the reader got the keys of that epoch and of the next of its stream, which tells how
  /// it ended, and of the one before, without which its beginning isn't known. One without an end
  /// goes an hour after a later one came: that a key is missing was told then.
  bool is_due(const Follower& follower, std::uint64_t epoch) const {
    const auto& [stream, place, members] = epochs_.at(epoch);
    bool before = false;
    Instant superseded = never, finished = never;
    for (const auto& [number, came] : follower.keys) {
      const auto& other = epochs_.at(number);
      if (other.stream != stream) continue;
      before = before || other.place + 1 == place;
      if (other.place > place) superseded = std::min(superseded, came);
      if (other.place == place + 1) finished = came;
    }
    return before && finished != never && finished - superseded < old_epoch_linger &&
           follower.keys.contains(epoch);
  }

  crypto::SeededRandom random_;
  World world_;
  std::vector<Follower> followers_;
  std::map<std::uint64_t, Epoch> epochs_;
  std::vector<Sent> sent_;
  std::vector<Arriving> log_;
  std::size_t stream_ = 0, place_ = 0;
};

TEST(ChannelSimulation, KeepsItsPromises) {
  const char* one = std::getenv("STS_SEED");
  const char* many = std::getenv("STS_SCHEDULES");
  const std::uint64_t first = one != nullptr ? std::stoull(one) : 0;
  const std::uint64_t count = one != nullptr ? 1 : many != nullptr ? std::stoull(many) : 300;
  for (auto seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("STS_SEED=" + std::to_string(seed));
    Simulation(seed).run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sts::channel
