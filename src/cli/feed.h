// The payloads that `sts pub` sends: one, repeated, or the lines of the standard input.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "cli/pub.h"
#include "shell/script_input.h"

namespace sts::cli {

/// Hands out payloads as long as somebody takes them.
class Feed final : public shell::InputHandler {
 public:
  struct Owner {
    std::function<bool()> room;       // whether another payload would be taken
    std::function<void(Bytes)> take;  // one payload; only after room() said yes
    std::function<void()> ended;      // there are no more; called once, from the loop
  };

  Feed(asio::io_context& loop, const PubChoices& choices, Owner owner);
  /// Go on: at the start, and each time when there may be room again.
  void more();
  /// Hands out nothing more, nor calls ended().
  void stop();

  // shell::InputHandler
  void on_line(std::string line) override;
  void on_long_line(std::size_t limit) override;
  void on_end() override;

 private:
  void repeat();

  asio::io_context& loop_;
  Owner owner_;
  std::unique_ptr<shell::ScriptInput> lines_;
  Bytes payload_;
  std::uint64_t left_;
  std::chrono::milliseconds delay_;
  asio::steady_timer pause_;
  bool asked_ = false, ended_ = false;
};

}  // namespace sts::cli
