// What the shell does with sessions, and what they tell it.
#include <memory>
#include <utility>

#include "shell/shell.h"

namespace sts::shell {

Result<Sessions::Pointer> Shell::session() const {
  if (!sessions_.current()) return tl::unexpected(sessions_.no_current());
  return sessions_.current();
}

Result<void> Shell::open(client::Config config) {
  SessionOwner& owner = *this;
  auto session = std::make_shared<Session>(config, owner, environment_.make_client);
  const auto before = sessions_.current();
  if (auto added = sessions_.add(session); !added) return added;
  std::optional<Duration> timeout;
  if (scripted()) timeout = script_timeout;
  if (auto started = session->client().start(std::move(config), timeout); !started) {
    sessions_.remove(*session);
    if (before) (void)sessions_.use(before->name());
    return started;
  }
  if (!scripted()) return {};
  wait([this, weak = std::weak_ptr(session)] {
    const auto opened = weak.lock();
    if (opened && !opened->client().ready()) return Progress::waiting;
    if (opened) return Progress::done;
    if (!sources_.empty()) report({Errc::io, "no session", "the log above says why"});
    return Progress::failed;
  });
  return {};
}

std::string Shell::prefix(const Session& session) const {
  return sessions_.is_current(session) ? std::string() : session.name() + ": ";
}

void Shell::on_log(const Session& session, const client::Line& line) {
  log_.line({line.level, prefix(session) + line.text, line.hint});
}

void Shell::on_message(const Session& session, const client::Received& received) {
  if (sessions_.is_current(session)) {
    watch_.add(received.message.topic, received.message.payload.size());
  }
  log_.incoming(prefix(session), session.label(received), received.message.payload);
}

void Shell::on_sent(const Session& session, ByteView wire) { log_.outgoing(prefix(session), wire); }

void Shell::on_state(const Session& session, client::State state,
                     const std::optional<Error>& failed) {
  if (failed) failed_ = true;
  if (state == client::State::stopped) sessions_.remove(session);
  if (ending_ && sessions_.all().empty()) loop_.stop();
  recheck();
}

}  // namespace sts::shell
