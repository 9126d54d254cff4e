// sts join: the other end of an invite.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/enrol_flags.h"
#include "cli/job.h"
#include "client/client.h"
#include "client/config_keys.h"
#include "crypto/random.h"
#include "store/file.h"
#include "store/identity.h"

namespace sts::cli {
namespace {

constexpr auto join_examples = R"(Examples:
  sts join --name gateway -         paste what 'sts invite' printed there
  sts join --name gateway TOKEN     the token stays in the shell's history)";

constexpr std::size_t longest_token = 512;
constexpr std::chrono::seconds noticeable{1};  // an inviter that is there answers sooner

struct JoinFlags {
  EnrolFlags enrol;
  std::string token;
  int timeout = 30;  // seconds
};

/// Of stdin, and no more: 'sts invite' at the other end of a pipe is still there.
Result<store::WipedText> first_line() {
  store::WipedText line;
  line.reserve(longest_token);
  for (char c = 0; line.size() < longest_token;) {
    const auto got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return fail(Errc::io, fmt::format("cannot read stdin: {}", std::strerror(errno)));
    }
    if (got == 0 || c == '\n') break;
    line.push_back(c);
  }
  return line;
}

Result<protocol::Invite> read_invite(const std::string& argument) {
  if (argument != "-") return protocol::decode_invite(argument);
  auto line = first_line();
  if (!line) return tl::unexpected(line.error());
  return protocol::decode_invite(trim(store::view(*line)));
}

/// The token names the broker unless a flag does.
Result<client::Config> broker(const ConnectionFlags& connection, const protocol::Invite& invite) {
  client::Config defaults;
  if (!invite.url.empty() && !connection.names_broker()) {
    auto set = client::find_key("url")->set(defaults, invite.url, {});
    if (!set) {
      return fail(set.error().code, "the token's broker: " + set.error().message,
                  "name the broker with -h");
    }
  }
  return connection.config(std::move(defaults));
}

class JoinJob final : public Job, private client::Observer {
 public:
  JoinJob(asio::io_context& loop, const store::Home& home, const JoinFlags& flags)
      : Job(loop), flags_(flags), home_(home), client_(loop, home, random_, *this) {}

  Result<void> prepare() {
    const auto& [enrolment, connection] = flags_.enrol;
    auto invite = read_invite(flags_.token);
    if (!invite) return tl::unexpected(invite.error());
    if (auto valid = protocol::check_time(*invite, std::time(nullptr)); !valid) return valid;
    inviter_ = invite->inviter;
    if (auto usable = crypto::check_public_key(inviter_); !usable) return usable;
    if (auto good = client::check_enrolment(home_, enrolment, inviter_); !good) return good;
    auto identity = store::load_or_create_identity(home_, random_);
    if (!identity) return tl::unexpected(identity.error());
    if (identity->pair.public_key == inviter_) {
      return fail(Errc::bad_input, "this side made the token itself",
                  "run 'sts join' on the other machine, which needs an identity of its own");
    }
    auto config = broker(connection, *invite);
    if (!config) return tl::unexpected(config.error());
    config_ = std::move(*config);
    knows_broker_ = !invite->url.empty() || connection.names_broker();
    client::make_invite_session(config_, *invite, client::Mode::initiator, enrolment);
    return {};
  }

 private:
  void start() override {
    const auto patience = std::chrono::seconds(flags_.timeout);
    if (auto started = client_.start(std::move(config_), patience); !started) {
      finish(report(started));
    }
  }
  void interrupted() override { client_.stop(true); }

  void on_log(const client::Line& line) override {
    const bool lost = line.level == client::Level::error && !knows_broker_ && !waiting_;
    show(lost ? client::Line{line.level, line.text, "this token names no broker: give -h and -p"}
              : line);
  }
  void on_message(const client::Received&) override {}
  void on_sent(ByteView) override {}
  void on_room() override {}

  void on_state(client::State state, const std::optional<Error>& failed) override {
    if (state == client::State::waiting && !std::exchange(waiting_, true)) {
      alarm(noticeable, [this] {
        fmt::print(stderr, "waiting up to {} s for the 'sts invite' that printed the token\n",
                   flags_.timeout);
      });
    }
    if (state == client::State::up) alarm_off();
    if (state == client::State::up && name_.empty()) return store();
    if (state != client::State::stopped) return;
    if (!name_.empty() && !failed) {
      fmt::print("{}: fingerprint {}\n", name_, crypto::fingerprint(inviter_));
      finish(report({}));
      return;
    }
    if (!name_.empty()) {
      show(Error{Errc::io, fmt::format("{} is trusted here now, but may not know it", name_),
                 "run the same 'sts join' again while the token is valid"});
    } else if (!failed && !failed_) {
      show(Error{Errc::io, "the session ended before both sides trusted each other",
                 "ask for a new token"});
    }
    finish(exit_failed);
  }

  void store() {
    const auto& [name, rights] = flags_.enrol.enrolment;
    auto stored = store::enrol_peer(home_, inviter_, name, rights);
    auto told = stored.and_then([&](const std::string& stored_name) {
      name_ = stored_name;
      return client_.send_encrypted(protocol::joined);
    });
    if (told) return client_.stop(false);  // waits until the inviter has it
    failed_ = true;
    show(told.error());
    client_.stop(true);
  }

  const JoinFlags& flags_;
  const store::Home& home_;
  crypto::SystemRandom random_;
  client::Config config_;
  crypto::PublicKey inviter_;
  client::Client client_;
  std::string name_;  // that the inviter is stored under; empty: it isn't yet
  bool failed_ = false, waiting_ = false;
  bool knows_broker_ = true;  // not only by default
};

int run(const JoinFlags& flags) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  asio::io_context loop(1);
  JoinJob job(loop, *home, flags);
  if (auto prepared = job.prepare(); !prepared) return report(prepared);
  return job.run();
}

}  // namespace

void add_join_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<JoinFlags>();
  auto* join = app.add_subcommand("join", "Join the machine that printed a token");
  join->add_option("TOKEN", flags->token, "- for stdin, or what 'sts invite' printed")->required();
  join->add_option("--timeout", flags->timeout, "seconds to wait for the other side (30)")
      ->check(CLI::Range(1, 86400));
  flags->enrol.add_to(*join);
  join->footer(join_examples);
  join->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace sts::cli
