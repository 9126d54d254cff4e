// The subscribers of `sts bench`, who also measure.
#include <fmt/format.h>
#include <unistd.h>

#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "cli/bench.h"
#include "cli/bench_client.h"
#include "cli/job.h"
#include "crypto/random.h"

namespace sts::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

class BenchSubscribers final : public Job {
 public:
  BenchSubscribers(asio::io_context& loop, const BenchChoices& choices, const BenchParties& parties,
                   int socket)
      : Job(loop), choices_(choices), parties_(parties), socket_(loop), progress_(loop) {
    socket_.assign(asio::local::stream_protocol(), socket);
    findings_.expected = choices.count * choices.publishers * choices.subscribers;
  }

 private:
  void start() override {
    awaited_ = choices_.subscribers + 1;  // and the publishers
    listen();
    for (const auto& party : parties_.subscribers) {
      clients_.push_back(std::make_unique<BenchClient>(
          loop(), party.home, random_,
          BenchClient::Owner{[this] { ready(); },
                             {},
                             [this](ByteView payload) { received(payload); },
                             [this](bool failed) {
                               if (failed) end(exit_failed);
                             }}));
      auto config = bench_subscriber(choices_, parties_, clients_.size() - 1);
      if (auto started = clients_.back()->start(std::move(config)); !started) {
        show(started.error());
        return end(exit_failed);
      }
    }
  }

  void interrupted() override { end(exit_failed); }

  void listen() {
    asio::async_read(socket_, asio::buffer(&word_, 1), [this](asio::error_code error, std::size_t) {
      if (finished() || done_) return;
      if (error) return end(exit_failed);  // the publishers said why
      if (word_ == bench_ready) ready();
      if (word_ == bench_done) {
        done_ = true;
        await_silence();
        end_if_all();
      }
      listen();
    });
  }

  void ready() {
    if (--awaited_ > 0) return;
    if (::isatty(STDERR_FILENO) != 0) show_progress();
    asio::error_code broken;
    asio::write(socket_, asio::buffer(&bench_go, 1), broken);
  }

  void received(ByteView payload) {
    std::int64_t stamp = 0;
    if (payload.size() != choices_.size || finished()) return;
    std::memcpy(&stamp, payload.data(), sizeof stamp);
    const Clock::time_point sent{Clock::duration(stamp)};
    last_ = Clock::now();
    if (findings_.latencies.empty() || sent < first_) first_ = sent;
    findings_.latencies.push_back(last_ - sent);
    end_if_all();
  }

  /// Only what comes after the publishers ended may be missing.
  void end_if_all() {
    if (done_ && findings_.latencies.size() >= findings_.expected) end(exit_ok);
  }

  void await_silence() {
    alarm(choices_.patience, [this, before = findings_.latencies.size()] {
      if (findings_.latencies.size() != before) return await_silence();
      end(exit_timeout);
    });
  }

  void show_progress() {
    constexpr int width = 40;
    const auto share =
        static_cast<double>(findings_.latencies.size()) / static_cast<double>(findings_.expected);
    const auto filled = static_cast<std::size_t>(share * width);
    fmt::print(stderr, "\r[{:<{}}] {:3.0f} %", std::string(filled, '#'), width, share * 100);
    std::fflush(stderr);
    in_line_ = true;
    progress_.expires_after(200ms);
    progress_.async_wait([this](asio::error_code error) {
      if (!error && !finished()) show_progress();
    });
  }

  void end(int exit_code) {
    if (finished()) return;
    if (in_line_) std::fputs("\r\033[K", stderr);
    if (exit_code != exit_failed) {
      findings_.time = last_ - first_;
      const auto text = choices_.json ? bench_json(choices_, std::move(findings_))
                                      : bench_text(choices_, std::move(findings_));
      std::fputs(text.c_str(), stdout);
      if (const int written = report({}); written != 0) exit_code = written;
    }
    finish(exit_code);
    progress_.cancel();
    for (auto& client : clients_) client->stop(true);
    asio::error_code ignored;
    socket_.close(ignored);
  }

  const BenchChoices& choices_;
  const BenchParties& parties_;
  asio::local::stream_protocol::socket socket_;
  asio::steady_timer progress_;
  crypto::SystemRandom random_;
  std::vector<std::unique_ptr<BenchClient>> clients_;
  BenchFindings findings_;
  Clock::time_point first_, last_;
  std::size_t awaited_ = 0;
  char word_ = 0;
  bool done_ = false, in_line_ = false;
};

}  // namespace

int run_bench_subscribers(const BenchChoices& choices, const BenchParties& parties, int socket) {
  asio::io_context loop(1);
  return BenchSubscribers(loop, choices, parties, socket).run();
}

}  // namespace sts::cli
