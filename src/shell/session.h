// One session of the shell: its client, and what the shell knows of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/messenger.h"

namespace sts::shell {

using MakeClient = std::function<std::unique_ptr<client::Messenger>(client::Observer&)>;

class Session;

/// What client::Observer tells, with the session it comes from. In on_state(stopped) the session
/// may be destroyed.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual void on_log(const Session& session, const client::Line& line) = 0;
  virtual void on_message(const Session& session, const client::Received& received) = 0;
  virtual void on_sent(const Session& session, ByteView wire) = 0;
  virtual void on_state(const Session& session, client::State state,
                        const std::optional<Error>& failed) = 0;
  virtual void on_room() = 0;
  virtual void on_failed() = 0;
  virtual void on_answer() = 0;
};

class Session final : private client::Observer {
 public:
  /// `owner` is not owned. The session is for `config`, which start() is given.
  Session(const client::Config& config, SessionOwner& owner, const MakeClient& make_client);

  const std::string& name() const { return name_; }
  client::Messenger& client() { return *client_; }
  const client::Messenger& client() const { return *client_; }
  /// What the config says, for topics besides its own.
  mqtt::Qos qos() const { return qos_; }
  bool of_channels() const { return mode_ == client::Mode::channel; }
  /// Neither up yet nor on its way to the end.
  bool starting() const;

  /// The broker owes answers to subscribe() or unsubscribe().
  bool awaits_answers() const { return awaited_ > 0; }
  Result<void> subscribe(mqtt::Subscription subscription);
  Result<void> unsubscribe(const std::string& filter);

  /// What stands in front of a message: the peer that sent it, where there are several; in the
  /// clear the topic, where it isn't the config's own; on channels sender and topic. No topic looks
  /// like a peer: one without a '/', or with a blank or a colon, stands in quotes.
  std::string label(const client::Received& received) const;

 private:
  void on_log(const client::Line& line) override { owner_.on_log(*this, line); }
  void on_message(const client::Received& received) override { owner_.on_message(*this, received); }
  void on_sent(ByteView wire) override { owner_.on_sent(*this, wire); }
  void on_state(client::State state, const std::optional<Error>& failed) override;
  void on_room() override { owner_.on_room(); }
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) override;
  void on_unsubscribed(const std::string& filter, const Result<void>& outcome) override;
  void answered(const Error* failed);

  std::string name_, subtop_;
  client::Mode mode_;
  bool was_up_ = false;
  mqtt::Qos qos_;
  int awaited_ = 0;
  SessionOwner& owner_;
  std::unique_ptr<client::Messenger> client_;
};

}  // namespace sts::shell
