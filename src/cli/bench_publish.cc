// The publishers of `sts bench`.
#include <algorithm>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
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

// Then the others have their turn.
constexpr int burst = 32;

class BenchPublishers final : public Job {
 public:
  BenchPublishers(asio::io_context& loop, const BenchChoices& choices, const BenchParties& parties,
                  int socket)
      : Job(loop), choices_(choices), parties_(parties), socket_(loop) {
    socket_.assign(asio::local::stream_protocol(), socket);
  }

 private:
  struct Sender {
    std::unique_ptr<BenchClient> client;
    std::unique_ptr<asio::steady_timer> timer;
    std::uint64_t sent = 0;
  };

  void start() override {
    const auto streams = choices_.plain ? 1 : choices_.subscribers;
    senders_.resize(std::size_t{choices_.publishers} * streams);
    for (std::size_t i = 0; i < senders_.size(); ++i) {
      auto& sender = senders_[i];
      const auto publisher = i / streams;
      sender.timer = std::make_unique<asio::steady_timer>(loop());
      sender.client = std::make_unique<BenchClient>(
          loop(), parties_.publishers[publisher].home, random_,
          BenchClient::Owner{[this] { connected(); },
                             [this, i] { send(senders_[i]); },
                             {},
                             [this](bool failed) { stopped(failed); }});
      auto config = bench_publisher(choices_, parties_, publisher, i % streams);
      if (auto started = sender.client->start(std::move(config)); !started) {
        show(started.error());
        return end(exit_failed);
      }
    }
  }

  void interrupted() override { end(exit_failed); }

  void connected() {
    if (++connected_ < senders_.size()) return;
    asio::error_code broken;
    asio::write(socket_, asio::buffer(&bench_ready, 1), broken);
    asio::async_read(socket_, asio::buffer(&word_, 1), [this](asio::error_code error, std::size_t) {
      if (error) return end(exit_failed);
      begin();
    });
  }

  void begin() {
    began_ = Clock::now();
    for (auto& sender : senders_) send(sender);
  }

  /// How many are due by now.
  std::uint64_t due() const {
    if (choices_.rate <= 0) return choices_.count;
    const std::chrono::duration<double> passed = Clock::now() - began_;
    const auto due = static_cast<std::uint64_t>(passed.count() * choices_.rate) + 1;
    return std::min(due, choices_.count);
  }

  void send(Sender& sender) {
    if (finished()) return;
    Bytes payload(choices_.size);
    const auto now_due = due();
    for (int i = 0; i < burst && sender.sent < now_due; ++i) {
      const std::int64_t now = Clock::now().time_since_epoch().count();
      std::memcpy(payload.data(), &now, sizeof now);
      if (auto sent = sender.client->send(payload); !sent) {
        if (sent.error().code == Errc::limit) return;  // room() goes on
        show(sent.error());
        return end(exit_failed);
      }
      ++sender.sent;
    }
    if (sender.sent == choices_.count) return sender.client->stop(false);  // acknowledged first
    if (sender.sent < now_due) return asio::post(loop(), [this, &sender] { send(sender); });
    const std::chrono::duration<double> next(static_cast<double>(sender.sent) / choices_.rate);
    sender.timer->expires_at(began_ + std::chrono::duration_cast<Clock::duration>(next));
    sender.timer->async_wait([this, &sender](asio::error_code error) {
      if (!error) send(sender);
    });
  }

  void stopped(bool failed) {
    if (failed) return end(exit_failed);
    if (++stopped_ < senders_.size() || finished()) return;
    asio::error_code broken;
    asio::write(socket_, asio::buffer(&bench_done, 1), broken);
    end(exit_ok);
  }

  void end(int exit_code) {
    if (finished()) return;
    finish(exit_code);
    for (auto& sender : senders_) {
      if (sender.timer) sender.timer->cancel();
      if (sender.client) sender.client->stop(true);
    }
    asio::error_code ignored;
    socket_.close(ignored);
  }

  const BenchChoices& choices_;
  const BenchParties& parties_;
  asio::local::stream_protocol::socket socket_;
  crypto::SystemRandom random_;
  std::vector<Sender> senders_;
  Clock::time_point began_;
  std::size_t connected_ = 0, stopped_ = 0;
  char word_ = 0;
};

}  // namespace

int run_bench_publishers(const BenchChoices& choices, const BenchParties& parties, int socket) {
  asio::io_context loop(1);
  return BenchPublishers(loop, choices, parties, socket).run();
}

}  // namespace sts::cli
