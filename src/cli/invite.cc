// sts invite: a token for one other side, and what comes of it.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <map>
#include <utility>

#include "cli/commands.h"
#include "cli/enrol_flags.h"
#include "cli/job.h"
#include "cli/qr.h"
#include "client/client.h"
#include "crypto/random.h"
#include "mqtt/errors.h"
#include "store/identity.h"

namespace sts::cli {
namespace {

constexpr auto invite_examples = R"(Examples:
  sts invite --name pump -h broker.example.org --writes 'plant/7/#'
  sts invite --expires 1h --profile plant | ssh pump sts join - --name gateway)";

// How long the joiner may take for its farewell.
constexpr std::chrono::seconds farewell_time{10};

struct InviteFlags {
  EnrolFlags enrol;
  std::uint32_t lifetime = 600;  // seconds
  bool qr = false;
};

/// For the token; nothing where it would mean another broker to the other machine.
std::string url_of(const mqtt::Options& broker) {
  const bool here = broker.port == 0 || broker.host == "localhost" || broker.host == "::1" ||
                    broker.host.starts_with("127.");
  if (here || broker.srv) return {};
  auto url = (broker.tls ? "mqtts://" : "mqtt://") + mqtt::where(broker);
  return url.size() > protocol::Invite::longest_url ? std::string() : url;
}

class InviteJob final : public Job, private client::Observer {
 public:
  InviteJob(asio::io_context& loop, const store::Home& home, const InviteFlags& flags)
      : Job(loop),
        flags_(flags),
        home_(home),
        client_(loop, home, random_, *this),
        expiry_(loop, client::boot_time, [this] { expired(); }) {}

  Result<void> prepare() {
    const auto& [enrolment, connection] = flags_.enrol;
    auto config = connection.config({});
    if (!config) return tl::unexpected(config.error());
    config_ = std::move(*config);
    if (auto good = client::check_enrolment(home_, enrolment, {}); !good) return good;
    auto identity = store::load_or_create_identity(home_, random_);
    if (!identity) return tl::unexpected(identity.error());
    random_.fill(invite_.secret.writable());
    invite_.inviter = identity->pair.public_key;
    invite_.created = static_cast<std::uint32_t>(std::time(nullptr));
    invite_.lifetime = flags_.lifetime;
    invite_.url = url_of(config_.broker);
    end_ = client::boot_time() + std::chrono::seconds(invite_.lifetime);
    client::make_invite_session(config_, invite_, client::Mode::responder, enrolment, end_);
    return {};
  }

 private:
  void start() override {
    expiry_.set(end_);
    if (auto started = client_.start(std::move(config_), {}); !started) {
      end(report(started));
    }
  }
  void interrupted() override { client_.stop(true); }
  void expired() {
    expired_ = true;
    client_.stop(true);
  }

  /// Not before the broker has taken the subscription: whoever reads it may join at once.
  void show_token() {
    auto token = protocol::encode(invite_);
    std::puts(token.c_str());
    if (flags_.qr || ::isatty(STDOUT_FILENO) != 0) {
      const auto code = qr_code(token);
      if (code) std::fputs(code->c_str(), stdout);
      if (!code && flags_.qr) show(Error{Errc::io, "no QR code", "apt install libqrencode4"});
    }
    sodium_memzero(token.data(), token.size());
    if (report({}) != 0) {
      unshown_ = true;
      client_.stop(true);
    } else if (invite_.url.empty()) {
      fmt::print(stderr, "the token names no broker: elsewhere 'sts join' needs -h and -p\n");
    }
  }

  void on_log(const client::Line& line) override { show(line); }
  void on_message(const client::Received& received) override {
    if (joined_ || as_text(received.message.payload) != protocol::joined) return;
    joined_ = true;
    name_ = received.sender;
    fingerprint_ = received.sender_fingerprint;
    alarm(farewell_time, [this] { client_.stop(true); });
  }
  void on_sent(ByteView) override {}
  void on_room() override {}

  void on_state(client::State state, const std::optional<Error>& failed) override {
    using client::State;
    if (state == State::up) {
      for (const auto& peer : client_.status().peers) name_ = peer.name;
    }
    if (state == State::waiting) {
      if (!std::exchange(shown_, true)) return show_token();
      if (joined_) return client_.stop(true);
      show(client::Line{client::Level::warning,
                        name_ + " ended the session without having stored this side's key",
                        "its own output says why; it may join again with the same token"});
    }
    if (state != State::stopped) return;
    if (joined_) {
      // The token is all there is on stdout, which may be a pipe to 'sts join' that has ended.
      fmt::print(stderr, "{}: fingerprint {}\n", name_, fingerprint_);
      return end(exit_ok);
    }
    if (!failed && !unshown_) tell_of_failure();
    end(expired_ ? exit_timeout : exit_failed);
  }

  void tell_of_failure() {
    if (!name_.empty()) {
      return show(Error{Errc::io,
                        fmt::format("{0} is trusted here now, but didn't say that it trusts this "
                                    "side, and the invite is over",
                                    name_),
                        fmt::format("invite it again, or: sts peer remove {}", name_)});
    }
    show(Error{Errc::io, expired_ ? "the invite has expired, and nobody has joined"
                                  : "the invite was called off: its token works no more"});
  }

  void end(int exit_code) {
    expiry_.set(never);
    finish(exit_code);
  }

  const InviteFlags& flags_;
  const store::Home& home_;
  crypto::SystemRandom random_;
  client::Config config_;
  protocol::Invite invite_;
  client::Client client_;
  client::Timer expiry_;
  Instant end_ = never;
  std::string name_, fingerprint_;  // of who was pinned; no name: nobody yet
  bool shown_ = false, unshown_ = false, joined_ = false, expired_ = false;
};

int run(const InviteFlags& flags) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  asio::io_context loop(1);
  InviteJob job(loop, *home, flags);
  if (auto prepared = job.prepare(); !prepared) return report(prepared);
  return job.run();
}

}  // namespace

void add_invite_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<InviteFlags>();
  auto* invite = app.add_subcommand("invite", "Print a token with which one machine can join");
  invite
      ->add_option("--expires", flags->lifetime, "how long it can be used: 90s, 10m, 1h, 7d (10m)")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, std::uint32_t>{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}))
      ->check(CLI::Range(1U, protocol::Invite::longest_lifetime));
  invite->add_flag("--qr", flags->qr, "a QR code, too, where stdout is no terminal");
  flags->enrol.add_to(*invite);
  invite->footer(invite_examples);
  invite->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace sts::cli
