// Wills: sealed for one connection and one peer, opened once, and told for what they are.
#include "protocol/will.h"

#include <gtest/gtest.h>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

struct Willing : Pair {
  using Pair::Pair;

  /// CONNECT: the will that the broker is given.
  Bytes connect(Node node, std::string_view will) {
    auto frame = *endpoint(node).wills().seal(as_bytes(will));
    online(node);
    return frame;
  }
  Bytes reconnect(Node node, std::string_view will) {
    offline(node);
    return connect(node, will);
  }
  /// What of the wills was shown; '?' where the connection was not announced.
  Texts shown(Node node) const {
    Texts out;
    for (const auto& it : all<LastWill>(node)) {
      out.push_back(std::string(as_text(it.message)) + (it.announced ? "" : "?"));
    }
    return out;
  }
};

TEST(Will, OfEitherSideIsShownOnce) {
  Willing net;
  const auto of_r = net.connect(net.r, "r is gone");
  const auto of_i = net.connect(net.i, "i is gone");
  net.run();
  ASSERT_TRUE(net.is_up());
  for (int n = 0; n < 3; ++n) {
    net.inject(net.r, of_i);
    net.inject(net.i, of_r);
  }
  EXPECT_EQ(net.shown(net.r), Texts{"i is gone"});
  EXPECT_EQ(net.shown(net.i), Texts{"r is gone"});
  EXPECT_EQ(net.all<LastWill>(net.r)[0].peer, net.key(net.i));
  EXPECT_EQ(net.notices(net.r, NoticeKind::spent_will), 2U);
  expect_works(net, net.i, net.r);
}

TEST(Will, HasTheSizeOfTheSpecification) {
  Willing net;
  EXPECT_EQ(net.endpoint(net.i).wills().seal({})->size(), 66U);
  EXPECT_EQ(net.endpoint(net.i).wills().seal(Bytes(100))->size(), 166U);
}

TEST(Will, TheLongestFitsIntoMqtts65535Bytes) {
  for (const Pad pad : {Pad::none, Pad::to_16, Pad::padme}) {
    Limits limits;
    limits.pad = pad;
    Willing net(limits);
    const Bytes longest(will_message_max, 'x');
    const auto frame = net.endpoint(net.i).wills().seal(longest);
    ASSERT_TRUE(frame);
    EXPECT_LE(frame->size(), 65535U);
    net.inject(net.r, *frame);
    ASSERT_EQ(net.all<LastWill>(net.r).size(), 1U);
    EXPECT_EQ(net.all<LastWill>(net.r)[0].message, longest);
    const auto longer = net.endpoint(net.i).wills().seal(Bytes(will_message_max + 1));
    ASSERT_FALSE(longer);
    EXPECT_EQ(longer.error().code, Errc::limit);
  }
}

TEST(Will, PaddingHidesItsLength) {
  Limits limits;
  limits.pad = Pad::to_16;
  Willing net(limits);
  auto& wills = net.endpoint(net.i).wills();
  EXPECT_EQ(wills.seal(as_bytes("a"))->size(), wills.seal(as_bytes("a longer one"))->size());
}

TEST(Will, NoTwoAreAlike) {
  Willing net;
  auto& wills = net.endpoint(net.i).wills();
  const auto one = *wills.seal(as_bytes("gone"));
  const auto id = wills.own();
  const auto two = *wills.seal(as_bytes("gone"));
  EXPECT_NE(id, wills.own());
  for (std::size_t at = 1; at + 16 <= one.size(); at += 16) {
    EXPECT_FALSE(std::equal(one.begin() + static_cast<std::ptrdiff_t>(at),
                            one.begin() + static_cast<std::ptrdiff_t>(at) + 16,
                            two.begin() + static_cast<std::ptrdiff_t>(at)));
  }
}

TEST(Will, EveryChangedByteIsNoticed) {
  Willing net;
  const auto will = *net.endpoint(net.i).wills().seal(as_bytes("gone"));
  for (std::size_t at = 1; at < will.size(); ++at) {
    Bytes changed = will;
    changed[at] ^= 0x40U;
    net.now += 1s;
    net.inject(net.r, changed);
  }
  EXPECT_EQ(net.notices(net.r, NoticeKind::foreign_will), will.size() - 1);
  EXPECT_TRUE(net.shown(net.r).empty());
  net.now += 1s;
  net.inject(net.r, will);
  EXPECT_EQ(net.shown(net.r), Texts{"gone?"});
}

TEST(Will, SentBackToItsAuthorIsDroppedUnread) {
  Willing net;
  const auto will = *net.endpoint(net.i).wills().seal(as_bytes("gone"));
  net.inject(net.i, will);
  Bytes turned = will;
  turned[0] = static_cast<std::uint8_t>(FrameType::will_from_responder);
  net.inject(net.i, turned);
  EXPECT_TRUE(net.shown(net.i).empty());
  EXPECT_EQ(net.notices(net.i, NoticeKind::same_role), 1U);
  EXPECT_EQ(net.notices(net.i, NoticeKind::foreign_will), 1U);
}

/// What a responder of `options` makes of the will of an initiator that trusts it.
Texts opened_by(NodeOptions options) {
  Willing net;
  const auto will = *net.endpoint(net.i).wills().seal(as_bytes("gone"));
  options.role = noise::Role::responder;
  const auto other = net.add(std::move(options));
  net.inject(other, will);
  EXPECT_EQ(net.notices(other, NoticeKind::foreign_will), net.shown(other).empty() ? 1U : 0U);
  return net.shown(other);
}

TEST(Will, OpensForItsPeerOnItsTopicsAlone) {
  EXPECT_EQ(opened_by({.identity = 2, .peers = {{1}}}), Texts{"gone?"});
  EXPECT_EQ(opened_by({.identity = 2, .peers = {{7}, {1}, {8}}}), Texts{"gone?"});
  EXPECT_TRUE(opened_by({.identity = 3, .peers = {{1}}}).empty()) << "another peer";
  EXPECT_TRUE(opened_by({.identity = 2, .peers = {{3}}}).empty()) << "that doesn't trust it";
  EXPECT_TRUE(opened_by({.identity = 2, .peers = {{1, 9}}}).empty()) << "another psk";
  EXPECT_TRUE(opened_by({.identity = 2, .first_use = 0}).empty()) << "nobody is pinned";
  for (const auto& topics : {test_topics("up", "elsewhere"), test_topics("elsewhere", "down")}) {
    EXPECT_TRUE(opened_by({.identity = 2, .peers = {{1}}, .topics = topics}).empty());
  }
}

TEST(Will, WithAPsk) {
  Willing net({}, 9);
  net.inject(net.r, *net.endpoint(net.i).wills().seal(as_bytes("gone")));
  EXPECT_EQ(net.shown(net.r), Texts{"gone?"});
}

TEST(Will, OfAnEarlierConnectionIsNotShown) {
  Willing net;
  net.online(net.r);
  const auto first = net.connect(net.i, "first");
  net.run();
  const auto second = net.reconnect(net.i, "second");
  net.run();
  net.inject(net.r, first);
  EXPECT_TRUE(net.shown(net.r).empty());
  EXPECT_EQ(net.notices(net.r, NoticeKind::spent_will), 1U);
  net.inject(net.r, second);
  EXPECT_EQ(net.shown(net.r), Texts{"second"});
}

TEST(Will, BeforeItsAnnouncementIsOfAnUnknownConnection) {
  Willing net;
  net.online(net.r);
  const auto first = net.connect(net.i, "first");
  net.inject(net.r, first);
  net.run();
  net.inject(net.r, first);
  EXPECT_EQ(net.shown(net.r), Texts{"first?"});
  // The broker accepted a CONNECT and its answer was lost.
  const auto unanswered = *net.endpoint(net.i).wills().seal(as_bytes("unanswered"));
  net.reconnect(net.i, "second");
  net.run();
  net.inject(net.r, unanswered);
  EXPECT_EQ(net.shown(net.r), (Texts{"first?", "unanswered?"}));
}

TEST(Will, OfARestartedPeersOldProcessIsNotShown) {
  for (const bool has_another : {true, false}) {
    Willing net;
    net.online(net.r);
    const auto old = net.connect(net.i, "old");
    net.run();
    net.restart(net.i);
    if (has_another) net.reconnect(net.i, "new");
    net.run_for(1min);
    ASSERT_TRUE(net.is_up());
    net.inject(net.r, old);
    EXPECT_TRUE(net.shown(net.r).empty());
  }
}

TEST(Will, AfterARestartOfTheReceiver) {
  Willing net;
  net.online(net.r);
  const auto first = net.connect(net.i, "first");
  net.run();
  net.inject(net.r, first);
  const auto second = net.reconnect(net.i, "second");
  net.restart(net.r);
  net.run_for(1min);
  ASSERT_TRUE(net.is_up());
  net.inject(net.r, first);
  net.inject(net.r, second);
  EXPECT_EQ(net.shown(net.r), (Texts{"first?", "second"}));
}

TEST(Will, TheLast256AreRemembered) {
  Willing net;
  std::vector<Bytes> wills;
  for (int n = 0; n < 257; ++n) {
    wills.push_back(*net.endpoint(net.i).wills().seal(as_bytes(std::to_string(n))));
    net.now += 1s;
    net.inject(net.r, wills.back());
  }
  ASSERT_EQ(net.shown(net.r).size(), 257U);
  net.inject(net.r, wills[1]);
  EXPECT_EQ(net.shown(net.r).size(), 257U);
  net.inject(net.r, wills[0]);
  EXPECT_EQ(net.shown(net.r).back(), "0?");
}

TEST(Will, TheAnnouncementSurvivesLoss) {
  for (const bool responders : {false, true}) {
    Willing net;
    const auto owner = responders ? net.r : net.i;
    const auto reader = responders ? net.i : net.r;
    net.tap = [&](auto& frame) {
      return frame.from != owner || !is_enc(frame) || net.now > Instant{1h + 5s};
    };
    net.online(reader);
    const auto will = net.connect(owner, "gone");
    net.run_for(1min);
    ASSERT_TRUE(net.is_up());
    net.inject(reader, will);
    EXPECT_EQ(net.shown(reader), Texts{"gone"});
  }
}

TEST(Will, AnAnnouncementThatCameLateCountsForNothing) {
  Willing net;
  net.online(net.r);
  net.connect(net.i, "first");
  std::vector<Network::Frame> late;
  net.tap = [&](auto& frame) {
    const bool keep = frame.from == net.i && is_enc(frame) && late.empty();
    if (keep) late.push_back(frame);
    return !keep;
  };
  net.run();
  ASSERT_EQ(late.size(), 1U);
  const auto second = net.reconnect(net.i, "second");
  net.run();
  net.deliver(late[0]);
  net.inject(net.r, second);
  EXPECT_EQ(net.shown(net.r), Texts{"second"});
}

TEST(Will, WithoutOneNothingIsAnnounced) {
  Pair without;
  without.up();
  Willing with;
  with.online(with.r);
  with.connect(with.i, "gone");
  with.run();
  ASSERT_TRUE(with.is_up());
  EXPECT_EQ(frames_of(with, FrameType::enc_from_initiator),
            frames_of(without, FrameType::enc_from_initiator) + 1);
}

TEST(Will, StrangersCannotMakeASideComputeWithoutBound) {
  Willing net;
  net.online(net.r);
  const auto will = net.connect(net.i, "gone");
  net.run();
  Bytes forged = will;
  forged[1] ^= 1U;
  for (int n = 0; n < 1000; ++n) net.inject(net.r, forged);
  EXPECT_EQ(net.notices(net.r, NoticeKind::foreign_will), std::size_t{will_keys_burst});
  net.inject(net.r, will);
  EXPECT_EQ(net.shown(net.r), Texts{"gone"}) << "an announced one has a budget of its own";
}

TEST(Will, EachKeyThatIsTriedCounts) {
  // One key more than there are tokens: even so each will is seen, and paid for.
  NodeOptions options{.role = noise::Role::responder, .identity = 2};
  for (std::uint64_t n = 0; n < will_keys_burst; ++n) options.peers.push_back({100 + n});
  options.peers.push_back({1});
  Willing net;
  const auto of_many = net.add(std::move(options));
  const auto inject = [&] {
    net.inject(of_many, *net.endpoint(net.i).wills().seal(as_bytes("gone")));
    return net.shown(of_many).size();
  };
  EXPECT_EQ(inject(), 1U);
  EXPECT_EQ(inject(), 1U) << "a token is owed";
  net.now += will_keys_interval;
  EXPECT_EQ(inject(), 1U) << "none is owed, and none there";
  net.now += will_keys_interval;
  EXPECT_EQ(inject(), 2U);
  net.now += will_keys_burst * will_keys_interval;
  EXPECT_EQ(inject(), 2U) << "all but one were owed";
  net.now += will_keys_interval;
  EXPECT_EQ(inject(), 3U);
}

TEST(Will, ASessionsRecordsHaveNoPlaceInIt) {
  const Bytes kill{static_cast<std::uint8_t>(RecordType::kill)};
  Bytes both = kill;
  put_data(both, as_bytes("gone"));
  Bytes two;
  put_sized(two, RecordType::data, as_bytes("one"));
  put_sized(two, RecordType::data, as_bytes("two"));
  for (const auto& payload : {kill, both, two, Bytes{0}, Bytes{0xff}}) {
    Willing net;
    const auto own = key_pair(1);
    const auto psk = test_psk(0);
    Bytes frame;
    put_will_header(frame, FrameType::will_from_initiator, {});
    Bytes prologue = to_bytes(as_bytes("STS 2 will"));
    append(prologue, frame);
    put_topics(prologue, test_topics());
    noise::HandshakeState state(noise::Kpsk0, noise::Role::initiator, prologue,
                                {&own, net.key(net.r), [&](auto*) { return &psk; }});
    crypto::SeededRandom random(5);
    append(frame, *state.write_message(payload, random));
    net.inject(net.r, frame);
    EXPECT_TRUE(net.shown(net.r).empty());
    EXPECT_EQ(net.notices(net.r, NoticeKind::malformed), 1U);
  }
}

TEST(WillDeathTest, TakesOneKnownPeer) {
  Network net;
  const auto many = net.add({.role = noise::Role::responder, .identity = 2, .peers = {{1}, {3}}});
  const auto first_use = net.add({.role = noise::Role::responder, .identity = 2, .first_use = 0});
  EXPECT_DEATH((void)net.endpoint(many).wills().seal({}), "");
  EXPECT_DEATH((void)net.endpoint(first_use).wills().seal({}), "");
}

}  // namespace
}  // namespace sts::protocol
