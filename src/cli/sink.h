// Where `sts sub` puts messages: filtered, formatted, counted.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/exec_output.h"
#include "cli/format.h"
#include "cli/outflow.h"
#include "cli/output_file.h"
#include "client/received.h"

namespace sts::cli {

struct SinkChoices {
  FormatChoices format;
  std::optional<OutputChoices> output;  // none: the standard output
  std::string exec;                     // or a command for each; empty: none
  std::string store;                    // or Owner::store takes them; empty: it doesn't
  std::vector<std::string> filter_out;
  bool skip_stale = false;     // what the broker had stored
  bool only_retained = false;  // nothing else; ends at the first that is not
  std::uint64_t count = 0;     // ends after so many; 0: never
};

class Sink {
 public:
  /// What it asks of the command. Each may be called from take(), or later from the loop.
  struct Owner {
    std::function<void(bool)> hold;            // no more for now
    std::function<void()> enough;              // what `choices` asked for is there
    std::function<void(const Error&)> failed;  // the output is lost
    /// What came up to this Received::place was written, or done, or wasn't wanted.
    std::function<void(std::uint64_t)> taken = [](auto) {};
    /// Has taken it when it returns.
    std::function<void(const client::Received&)> store = [](const auto&) {};
    /// The command has failed, and is tried again; or has succeeded after that.
    std::function<void(bool)> failing = [](auto) {};
  };

  static Result<std::unique_ptr<Sink>> make(asio::io_context& loop, SinkChoices choices,
                                            Owner owner);

  void take(const client::Received& received);
  /// A command that runs is told to end, and what waits for one is let go.
  void interrupt() {
    if (exec_) exec_->interrupt();
  }
  /// Calls `done`, now or later, when all is written.
  void finish(std::function<void()> done);

 private:
  Sink(asio::io_context& loop, SinkChoices choices, Owner owner, Formatter formatter,
       std::unique_ptr<Output> output);
  bool wanted(const client::Received& received);
  void put(const client::Received& received);
  void mark(std::uint64_t place);
  void sync();
  void written(std::uint64_t bytes);

  asio::io_context& loop_;
  SinkChoices choices_;
  Owner owner_;
  Formatter formatter_;
  std::unique_ptr<Output> output_;
  std::optional<ExecOutput> exec_;
  Outflow stdout_;
  std::string line_;
  std::uint64_t taken_ = 0;
  struct Mark {
    std::uint64_t bytes, place;
  };
  std::deque<Mark> marks_;  // of what isn't written yet
  bool over_ = false;
};

}  // namespace sts::cli
