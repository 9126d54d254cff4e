// Random schedules against an adversary that does everything a broker can do. STS_SCHEDULES chooses
// how many; a failure names its seed, and STS_SEED runs that one alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

using Node = Network::Node;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::stoull(value) : otherwise;
}

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {
    Limits limits;
    if (chance(50)) limits.rekey_after_messages = 5 + below(60);
    if (chance(20)) limits.rekey_after_time = 20s;
    if (chance(20)) limits.heartbeat = 0s;
    heartbeat_ = limits.heartbeat > 0s;
    if (chance(20)) limits.pad = chance(50) ? Pad::to_16 : Pad::padme;
    const std::size_t initiators = chance(30) ? 1 + below(4) : 1;
    NodeOptions responder{.role = noise::Role::responder, .identity = 100, .limits = limits};
    for (std::size_t n = 0; n < initiators; ++n) responder.peers.push_back({n + 1});
    responder_ = net_.add(responder);
    for (std::size_t n = 0; n < initiators; ++n) {
      initiators_.push_back(net_.add(
          {.role = noise::Role::initiator, .identity = n + 1, .peers = {{100}}, .limits = limits}));
    }
    hostility_ = below(100);
    net_.answers = chance(30);
    net_.tap = [this](const Network::Frame& frame) {
      if (frame.bytes[0] != aimed_at_) return true;
      if (holds_) held_.push_back(frame);
      return false;
    };
  }

  void run() {
    const std::uint64_t steps = 50 + below(600);
    for (std::uint64_t step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      this->step();
      check();
    }
    recover();
  }

 private:
  // A message says who accepted it, for whom, in which process, and which one it is.
  struct Label {
    std::uint64_t process, number;
  };
  using Way = std::pair<Node, Node>;

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  Node any_initiator() { return initiators_[below(initiators_.size())]; }
  Node any_node() { return chance(50) ? responder_ : any_initiator(); }

  void step() {
    const auto what = below(100);
    if (what < 45) {
      for (auto n = below(4); n > 0 && !net_.unanswered.empty(); --n) net_.answer_front();
      return frame();
    }
    if (what < 75) return send();
    if (what < 88) return time();
    if (!chance(hostility_)) return;
    if (what < 92) {
      aim();
    } else if (what < 94 && !net_.recorded.empty()) {
      net_.deliver(net_.recorded[below(net_.recorded.size())]);
    } else if (what < 97) {
      const Node node = any_node();
      if (net_.is_online(node)) {
        net_.offline(node);
      } else {
        net_.online(node);
      }
    } else if (what < 98) {
      check();
      restart(any_node());
    } else {
      for (auto& frame : net_.queue) std::swap(frame, net_.queue[below(net_.queue.size())]);
    }
  }

  void frame() {
    if (net_.queue.empty()) return;
    if (!chance(hostility_)) return net_.deliver_front();
    const auto at = net_.queue.begin() + static_cast<std::ptrdiff_t>(below(net_.queue.size()));
    Network::Frame frame = *at;
    switch (below(6)) {
      case 0:  // lost
        net_.queue.erase(at);
        return;
      case 1:  // doubled
        return net_.deliver(frame);
      case 2:  // out of order
        net_.queue.erase(at);
        return net_.deliver(frame);
      case 3:  // damaged; the true one follows
        frame.bytes[below(frame.bytes.size())] ^= static_cast<std::uint8_t>(1 + below(255));
        return net_.deliver(frame);
      case 4:  // cut; the true one follows
        frame.bytes.resize(below(frame.bytes.size()));
        return net_.deliver(frame);
      default:
        return net_.deliver_front();
    }
  }

  // Takes all frames of one type away for a while, or gives back what it took.
  void aim() {
    aimed_at_ = chance(50) ? 0 : static_cast<std::uint8_t>(1 + below(6));
    holds_ = chance(70);
    if (!chance(60)) return;
    for (auto& frame : held_) net_.queue.push_back(std::move(frame));
    held_.clear();
  }

  void send() {
    const Node initiator = any_initiator();
    const Way way = chance(50) ? Way{initiator, responder_} : Way{responder_, initiator};
    const auto burst = chance(10) ? below(chance(20) ? 400 : 80) : 1 + below(3);
    for (std::uint64_t n = 0; n < burst; ++n) send(way);
  }
  void send(Way way) {
    auto& accepted = accepted_[way];
    const std::string text = std::to_string(net_.process(way.first)) + ":" +
                             std::to_string(accepted) + std::string(below(300), '.');
    if (net_.send(way.first, way.second, text)) ++accepted;
  }

  void time() {
    const Instant next = net_.next_deadline();
    if (chance(60) && next != never) {
      net_.now = std::max(net_.now, next);
    } else {
      net_.now += milliseconds(below(chance(10) ? 100'000 : 3'000));
    }
    net_.advance_due();
  }

  void restart(Node node) {
    net_.restart(node);
    for (auto& [way, count] : accepted_) {
      if (way.first == node) {
        count = 0;
        arrived_[way].clear();
      }
      if (way.second == node) last_.erase(way);
    }
    checked_[node] = 0;
  }

  // Per process of the receiver: each process of the sender in order, nothing twice.
  void check() {
    check(responder_);
    for (const Node node : initiators_) check(node);
  }

  void check(Node node) {
    const auto& events = net_.events(node);
    for (auto& at = checked_[node]; at < events.size(); ++at) {
      const auto* delivered = std::get_if<Delivered>(&events[at]);
      if (delivered == nullptr) continue;
      Node from = responder_;
      for (const Node candidate : initiators_) {
        if (net_.key(candidate) == delivered->peer) from = candidate;
      }
      const Way way{from, node};
      const std::string text(as_text(delivered->message));
      const Label label{std::stoull(text), std::stoull(text.substr(text.find(':') + 1))};
      auto& last = last_[way];
      if (last) {
        ASSERT_GE(label.process, last->process) << "a dead process speaks";
        if (label.process == last->process) {
          ASSERT_EQ(label.number, last->number + 1) << "twice, out of order, or a hole";
        }
      }
      last = label;
      if (label.process == net_.process(from)) arrived_[way][label.number] = true;
    }
  }

  // The adversary has gone: everything accepted by living processes arrives.
  void recover() {
    net_.tap = {};
    net_.answers = true;
    net_.answer_all();
    for (const Node node : initiators_) {
      if (!net_.is_online(node)) net_.online(node);
    }
    if (!net_.is_online(responder_)) net_.online(responder_);
    net_.run_for(5min);
    if (!heartbeat_) {
      // An initiator that has nothing to say doesn't notice that the responder was restarted, if
      // HELLO didn't reach it either. The next message finds out.
      for (const Node node : initiators_) send({node, responder_});
      net_.run_for(1min);
    }
    check();
    for (const Node node : initiators_) {
      complete({node, responder_});
      complete({responder_, node});
      // And the sessions work.
      const auto before = net_.received(responder_).size();
      ASSERT_TRUE(net_.send(node, responder_, "0:0 after"));
      net_.run_for(10s);
      ASSERT_GT(net_.received(responder_).size(), before);
    }
  }

  void complete(Way way) {
    Link* link = net_.link(way.first, way.second);
    ASSERT_NE(link, nullptr) << "no session";
    ASSERT_EQ(link->unacknowledged(), 0U) << (way.second == responder_ ? "initiator" : "responder");
    ASSERT_EQ(arrived_[way].size(), accepted_[way])
        << (way.second == responder_ ? "initiator" : "responder");
  }

  std::mt19937_64 random_;
  Network net_;
  Node responder_ = 0;
  std::vector<Node> initiators_;
  std::uint64_t hostility_ = 0;
  std::uint8_t aimed_at_ = 0;
  bool holds_ = false;
  bool heartbeat_ = true;
  std::vector<Network::Frame> held_;
  std::map<Way, std::uint64_t> accepted_;  // by the sender's living process
  std::map<Way, std::map<std::uint64_t, bool>> arrived_;
  std::map<Way, std::optional<Label>> last_;  // in the receiver's living process
  std::map<Node, std::size_t> checked_;
};

TEST(Simulation, NothingLostNothingTwiceWhateverTheBrokerDoes) {
  const std::uint64_t first = from_environment("STS_SEED", 0);
  const std::uint64_t count =
      from_environment("STS_SCHEDULES", std::getenv("STS_SEED") != nullptr ? 1 : 300);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("STS_SEED=" + std::to_string(seed));
    Simulation(seed).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sts::protocol
