// A broker for tests: endpoints of both roles on one pair of topics, a clock that only tests move,
// and an adversary's hands on every frame. Everything is deterministic.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "protocol/initiator.h"
#include "protocol/responder.h"

namespace sts::protocol {

inline crypto::KeyPair key_pair(std::uint64_t seed) {
  crypto::initialise();
  crypto::SeededRandom random(seed);
  return crypto::KeyPair::generate(random);
}

inline crypto::Psk test_psk(std::uint8_t fill) {
  crypto::Psk psk;
  std::ranges::fill(psk.writable(), fill);
  return psk;
}

inline Topics test_topics(std::string_view to_responder = "up",
                          std::string_view to_initiator = "down") {
  return {to_bytes(as_bytes(to_responder)), to_bytes(as_bytes(to_initiator))};
}

/// How a process is started; kept, so that it can be started again.
struct NodeOptions {
  noise::Role role = noise::Role::initiator;
  std::uint64_t identity = 0;  // seed of the key pair
  struct Known {
    std::uint64_t identity;
    std::uint8_t psk = 0;  // byte it is filled with; 0: none
  };
  std::vector<Known> peers = {};
  std::optional<std::uint8_t> first_use = {};  // the PSK's byte
  Topics topics = test_topics();
  Limits limits = {};
  Random* random = nullptr;  // null: one of its own, another for each process
};

class Network {
 public:
  struct Frame {
    std::size_t from, to;
    Bytes bytes;
    std::optional<Ticket> messages = {};
  };
  using Node = std::size_t;

  /// Sees every copy of a published frame before it is queued; may change it; false loses it.
  std::function<bool(Frame&)> tap;
  std::deque<Frame> queue;
  std::vector<Frame> recorded;  // everything published, one entry for each receiver
  Instant now{std::chrono::hours(1)};
  std::size_t max_frame = SIZE_MAX;
  /// Whether the broker answers a frame with messages at once, or when it is told to.
  bool answers = true;
  struct Unanswered {
    std::size_t from;
    Ticket messages;
  };
  std::deque<Unanswered> unanswered;

  /// Starts a process that isn't online yet.
  Node add(NodeOptions options) {
    nodes_.push_back(std::make_unique<Process>());
    nodes_.back()->options = std::move(options);
    start(nodes_.size() - 1);
    return nodes_.size() - 1;
  }

  /// The process dies and comes back, online, without any memory.
  void restart(Node node) {
    start(node);
    online(node);
  }

  void online(Node node) { set_online(node, true); }
  void offline(Node node) { set_online(node, false); }
  bool is_online(Node node) const { return nodes_[node]->online; }
  NodeOptions& options(Node node) { return nodes_[node]->options; }
  Endpoint& endpoint(Node node) { return *nodes_[node]->endpoint; }
  std::vector<Event>& events(Node node) { return nodes_[node]->events; }
  std::uint64_t process(Node node) const { return nodes_[node]->process; }
  crypto::PublicKey key(Node node) const { return nodes_[node]->identity.public_key; }

  Link* link(Node from, Node to) { return endpoint(from).link(key(to)); }

  Result<void> send(Node from, Node to, std::string_view text) {
    Link* way = link(from, to);
    if (way == nullptr) return fail(Errc::refused, "no session");
    return call(from, [&](Effects& out) { return way->send(to_bytes(as_bytes(text)), now, out); });
  }
  void kill(Node from, Node to) {
    call(from, [&](Effects& out) { link(from, to)->kill(now, out); });
  }
  void publish_failed(Node node, const Ticket& ticket) {
    call(node, [&](Effects& out) {
      endpoint(node).link(ticket.peer)->publish_failed(ticket.entry, now, out);
    });
  }

  void answer_front() {
    const auto [from, ticket] = unanswered.front();
    unanswered.pop_front();
    Link* way = endpoint(from).link(ticket.peer);
    if (way) call(from, [&](Effects& out) { way->published(now, out); });
  }
  void answer_all() {
    while (!unanswered.empty()) answer_front();
  }

  /// Bytes from nowhere on the topic that `to` reads.
  void inject(Node to, ByteView bytes) {
    call(to, [&](Effects& out) { endpoint(to).receive(bytes, now, out); });
  }

  void deliver(Frame frame) {
    if (nodes_[frame.to]->online) inject(frame.to, frame.bytes);
  }
  void deliver_front() {
    Frame frame = std::move(queue.front());
    queue.pop_front();
    deliver(std::move(frame));
  }

  /// Until nothing is under way, without time passing.
  void run() {
    for (int i = 0; !queue.empty(); ++i) {
      if (i == 200'000) FAIL() << "frames without end";
      deliver_front();
    }
  }

  Instant next_deadline() const {
    Instant first = never;
    for (const auto& node : nodes_) first = std::min(first, node->endpoint->next_deadline());
    return first;
  }
  void advance_due() {
    for (Node node = 0; node < nodes_.size(); ++node) {
      if (endpoint(node).next_deadline() > now) continue;
      call(node, [&](Effects& out) { endpoint(node).advance(now, out); });
    }
  }

  /// Delivers, and lets `time` pass from deadline to deadline.
  void run_for(Duration time) {
    const Instant end = now + time;
    run();
    int without_progress = 0;
    for (Instant next = next_deadline(); next <= end; next = next_deadline()) {
      without_progress = next > now ? 0 : without_progress + 1;
      if (without_progress == 1000) FAIL() << "a deadline that doesn't go away: busy waiting";
      now = std::max(now, next);
      advance_due();
      run();
    }
    now = end;
  }

  template <typename E>
  std::vector<E> all(Node node) const {
    std::vector<E> out;
    for (const auto& event : nodes_[node]->events) {
      if (const auto* e = std::get_if<E>(&event)) out.push_back(*e);
    }
    return out;
  }
  std::size_t notices(Node node, NoticeKind kind) const {
    std::size_t count = 0;
    for (const auto& notice : all<Notice>(node)) count += notice.kind == kind ? 1 : 0;
    return count;
  }
  std::vector<std::string> received(Node node) const {
    std::vector<std::string> out;
    for (const auto& delivered : all<Delivered>(node)) {
      out.emplace_back(as_text(delivered.message));
    }
    return out;
  }

  /// One step of a node, whose effects are carried out.
  template <typename F>
  std::invoke_result_t<F, Effects&> call(Node node, F f) {
    struct CarryOut {
      Network& network;
      Node from;
      Effects out = {};
      ~CarryOut() { network.carry_out(from, std::move(out)); }
    } effects{*this, node};
    return f(effects.out);
  }

 private:
  struct Process {
    NodeOptions options;
    crypto::KeyPair identity;
    std::optional<crypto::SeededRandom> random;
    std::unique_ptr<Endpoint> endpoint;
    std::vector<Event> events;
    bool online = false;
    std::uint64_t process = 0;
  };

  void start(Node index) {
    Process& node = *nodes_[index];
    const NodeOptions& options = node.options;
    node.endpoint.reset();
    forget_unanswered(index);
    node.events.clear();
    node.online = false;
    node.process = ++processes_;
    node.identity = key_pair(options.identity);
    node.random.emplace(processes_ * 1'000'000 + options.identity);
    Trust trust;
    for (const auto& known : options.peers) {
      trust.peers.push_back({key_pair(known.identity).public_key, test_psk(known.psk)});
    }
    if (options.first_use) trust.first_use = test_psk(*options.first_use);
    Setup setup{&node.identity, options.topics, std::move(trust), options.limits,
                options.random != nullptr ? options.random : &*node.random};
    if (options.role == noise::Role::initiator) {
      node.endpoint = std::make_unique<Initiator>(std::move(setup));
    } else {
      node.endpoint = std::make_unique<Responder>(std::move(setup));
    }
  }

  void forget_unanswered(Node node) {
    std::erase_if(unanswered, [&](const auto& it) { return it.from == node; });
  }

  void set_online(Node node, bool online) {
    forget_unanswered(node);
    nodes_[node]->online = online;
    call(node, [&](Effects& out) {
      endpoint(node).set_online(online, online ? max_frame : 0, now, out);
    });
  }

  void carry_out(Node from, Effects effects) {
    Process& node = *nodes_[from];
    std::ranges::move(effects.events, std::back_inserter(node.events));
    for (auto& publish : effects.publish) {
      EXPECT_TRUE(node.online) << "published while offline";
      for (Node to = 0; to < nodes_.size(); ++to) {
        if (to == from || nodes_[to]->options.role == node.options.role) continue;
        Frame frame{from, to, publish.frame, publish.messages};
        recorded.push_back(frame);
        if (!tap || tap(frame)) queue.push_back(std::move(frame));
      }
      if (publish.messages) unanswered.push_back({from, *publish.messages});
    }
    if (answers) answer_all();
  }

  std::vector<std::unique_ptr<Process>> nodes_;
  std::uint64_t processes_ = 0;
};

/// One initiator and one responder that know each other.
struct Pair : Network {
  Node i, r;
  explicit Pair(const Limits& limits = {}, std::uint8_t psk = 0)
      : i(add({.role = noise::Role::initiator,
               .identity = 1,
               .peers = {{2, psk}},
               .limits = limits})),
        r(add({.role = noise::Role::responder,
               .identity = 2,
               .peers = {{1, psk}},
               .limits = limits})) {}

  void up() {
    online(r);
    online(i);
    run();
    ASSERT_NE(link(i, r), nullptr);
    ASSERT_NE(link(r, i), nullptr);
  }
  bool is_up() { return link(i, r) != nullptr && link(r, i) != nullptr; }
  bool all_acknowledged() {
    return is_up() && link(i, r)->unacknowledged() == 0 && link(r, i)->unacknowledged() == 0;
  }
};

using Texts = std::vector<std::string>;

inline std::size_t frames_of(const Network& net, FrameType type) {
  return static_cast<std::size_t>(std::ranges::count_if(net.recorded, [&](const auto& frame) {
    return frame.bytes[0] == static_cast<std::uint8_t>(type);
  }));
}

inline const Bytes& frame_of(const Network& net, FrameType type) {
  return std::ranges::find_if(
             net.recorded,
             [&](const auto& frame) { return frame.bytes[0] == static_cast<std::uint8_t>(type); })
      ->bytes;
}

inline void expect_works(Network& net, Network::Node i, Network::Node r) {
  const auto at_i = net.received(i).size();
  const auto at_r = net.received(r).size();
  ASSERT_TRUE(net.send(i, r, "question"));
  ASSERT_TRUE(net.send(r, i, "answer"));
  net.run_for(1min);
  ASSERT_EQ(net.received(r).size(), at_r + 1);
  ASSERT_EQ(net.received(i).size(), at_i + 1);
  EXPECT_EQ(net.received(r).back(), "question");
  EXPECT_EQ(net.received(i).back(), "answer");
}

inline Texts numbered(int count, const std::string& prefix = "") {
  Texts out;
  for (int n = 0; n < count; ++n) out.push_back(prefix + std::to_string(n));
  return out;
}

inline Limits rekeying_every(std::uint64_t messages) {
  Limits limits;
  limits.rekey_after_messages = messages;
  return limits;
}

inline bool is_enc(const Network::Frame& frame) {
  return frame.bytes[0] == 5 || frame.bytes[0] == 6;
}

}  // namespace sts::protocol
