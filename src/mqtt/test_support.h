// What this room's tests share: a handler that writes down what it hears, a server of canned bytes,
// and names that resolve as a test wants.
#pragma once

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mqtt/transport.h"

namespace sts::mqtt {

struct Recorder : Handler {
  void on_connected(const Connected& said) override {
    connected = said;
    if (then) then();
  }
  void on_disconnected(const Error& why, int reason) override {
    disconnected = why;
    connack = reason;
  }
  void on_message(Message message) override {
    messages.push_back(std::move(message));
    if (then) then();
  }
  void on_published(PublishId id, Result<void> outcome) override { published[id] = outcome; }
  void on_subscribed(const std::string& filter, Result<Qos> granted) override {
    subscribed[filter] = granted;
  }
  void on_unsubscribed(const std::string& filter, Result<void> outcome) override {
    unsubscribed[filter] = outcome;
  }

  std::optional<Connected> connected;
  std::optional<Error> disconnected;
  int connack = 0;
  std::vector<Message> messages;
  std::map<PublishId, Result<void>> published;
  std::map<std::string, Result<Qos>> subscribed;
  std::map<std::string, Result<void>> unsubscribed;
  std::function<void()> then;  // called last in on_connected and on_message
};

/// Runs the loop until `done`; false where that takes longer than any machine needs.
inline bool run_until(asio::io_context& loop, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done()) {
    loop.restart();
    if (loop.run_one_until(deadline) == 0 && std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
  }
  return true;
}

/// Accepts on 127.0.0.1 and answers what arrives as the script says.
class ScriptedServer {
 public:
  struct Answer {
    Bytes bytes;
    bool close = false;
  };
  /// Called with each chunk received, which on loopback is what the client wrote at once.
  using Script = std::function<Answer(const Bytes& received)>;

  ScriptedServer(asio::io_context& loop, Script script)
      : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}), script_(std::move(script)) {
    accept();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  int accepted = 0;
  int ended = 0;  // connections that the client closed

 private:
  struct Peer {
    asio::ip::tcp::socket socket;
    Bytes buffer = Bytes(4096);
  };
  void accept() {
    acceptor_.async_accept([this](asio::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      ++accepted;
      read(std::make_shared<Peer>(Peer{std::move(socket)}));
      accept();
    });
  }
  void read(std::shared_ptr<Peer> peer) {
    auto* raw = peer.get();
    raw->socket.async_read_some(
        asio::buffer(raw->buffer),
        [this, peer = std::move(peer)](asio::error_code error, std::size_t size) {
          if (error == asio::error::operation_aborted) return;
          if (error) {
            ++ended;
            return;
          }
          Answer answer = script_(Bytes(peer->buffer.begin(),
                                        peer->buffer.begin() + static_cast<std::ptrdiff_t>(size)));
          asio::error_code ignored;
          asio::write(peer->socket, asio::buffer(answer.bytes), ignored);
          if (!answer.close) read(peer);
        });
  }

  asio::ip::tcp::acceptor acceptor_;
  Script script_;
};

/// While one lives, getaddrinfo(`name`) answers with `addresses`, in that order, or, where there
/// are none, doesn't return before the object is gone.
class FakeName {
 public:
  FakeName(std::string name, std::vector<std::string> addresses);
  ~FakeName();
  FakeName(const FakeName&) = delete;
  FakeName& operator=(const FakeName&) = delete;
  /// Waits until somebody asked for the name.
  void wait_asked();
};

}  // namespace sts::mqtt
