#include "shell/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sts::shell {

void Rates::add(const std::string& topic, std::size_t bytes) {
  auto found = topics_.find(topic);
  if (found == topics_.end() && topics_.size() < max_topics) {
    found = topics_.try_emplace(topic).first;
  }
  Count& count = found == topics_.end() ? others_ : found->second;
  ++count.messages;
  count.bytes += bytes;
}

std::string Rates::line(const std::string& topic, const Count& count, double seconds) {
  return fmt::format("{:10.1f} msg/s {:12.1f} B/s  {}",
                     static_cast<double>(count.messages) / seconds,
                     static_cast<double>(count.bytes) / seconds, topic);
}

std::vector<std::string> Rates::lines(double seconds) const {
  std::vector<std::pair<std::string, Count>> busiest(topics_.begin(), topics_.end());
  std::ranges::stable_sort(busiest, std::ranges::greater(),
                           [](const auto& it) { return it.second.messages; });
  Count others = others_;
  std::vector<std::string> out;
  for (const auto& [topic, count] : busiest) {
    if (out.size() < max_lines) {
      out.push_back(line(topic, count, seconds));
    } else {
      others.messages += count.messages;
      others.bytes += count.bytes;
    }
  }
  if (others.messages > 0) out.push_back(line("(all other topics)", others, seconds));
  if (out.empty()) out.emplace_back("no messages");
  return out;
}

void Watch::start(std::chrono::seconds interval, std::uint64_t count,
                  std::function<void(const std::vector<std::string>&)> show) {
  interval_ = interval;
  left_ = count;
  show_ = std::move(show);
  running_ = true;
  next();
}

void Watch::stop() {
  if (!std::exchange(running_, false)) return;
  timer_.cancel();
  if (ended_) ended_();
}

void Watch::next() {
  rates_ = {};
  since_ = std::chrono::steady_clock::now();
  timer_.expires_after(interval_);
  timer_.async_wait([this](std::error_code error) {
    if (error || !running_) return;
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - since_;
    show_(rates_.lines(passed.count()));
    if (left_ == 1) return stop();
    if (left_ > 0) --left_;
    next();
  });
}

}  // namespace sts::shell
