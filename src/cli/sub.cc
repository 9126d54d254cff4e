// sts sub: the flags.
#include "cli/sub.h"

#include "cli/commands.h"
#include "cli/format_flags.h"
#include "cli/one_shot.h"
#include "cli/report.h"
#include "client/config_values.h"

namespace sts::cli {
namespace {

constexpr auto sub_examples = R"(Examples:
  sts sub -t 'plant/#' -v                      from all who may write, encrypted
  sts sub --peer pump -t plant/7/temp -v       the same in a session
  sts sub --plain -t status -C 1 -W 5          in the clear, one, for 5 s)";

struct SubFlags {
  OneShotFlags one_shot{client::Mode::responder};
  std::vector<std::string> topics;
  SubChoices chosen;
  FormatFlags format;
  std::string output;
  OutputChoices rotation;
  std::uint64_t rotate_time = 0, timeout = 0, max_age = 0;
};

/// The longest there is (MQTT 5, section 3.1.2.11.2).
constexpr std::chrono::seconds for_ever{0xffffffff};

Result<void> check_durable(SubChoices& chosen, Way way) {
  const auto& sink = chosen.sink;
  if (!chosen.durable) {
    if (sink.store.empty() && sink.exec.empty()) return {};
    return fail(Errc::bad_input, "--store and --exec lose nothing and need --durable for that",
                "add --durable");
  }
  if (way == Way::plain) {
    return fail(Errc::bad_input, "--durable isn't for --plain: in the clear nothing tells a repeat",
                "leave one of them out");
  }
  const int takers =
      (sink.exec.empty() ? 0 : 1) + (sink.store.empty() ? 0 : 1) + (sink.output ? 1 : 0);
  if (takers > 1) {
    return fail(Errc::bad_input, "only one of --store, --exec and --output can take the messages",
                "run another sts sub, with an id of its own, for the other");
  }
  if (way == Way::session) return {};
  auto& broker = chosen.config.broker;
  if (broker.client_id.empty()) {
    return fail(Errc::bad_input, "--durable needs an id, by which the broker knows it again",
                "-i ID");
  }
  if (client::qos_of(chosen.config) != mqtt::Qos::at_least_once) {
    return fail(Errc::bad_input, "--durable is at QoS 1: only that can be acknowledged late",
                "leave -q out");
  }
  broker.clean_start = false;
  chosen.config.retry = true;
  return {};
}

Result<void> choose(SubFlags& flags) {
  auto& out = flags.chosen;
  if (const auto& topic = flags.one_shot.url_topic(); !topic.empty()) {
    flags.topics.push_back(topic);
  }
  if (out.durable) flags.one_shot.set_session_expiry(for_ever);
  auto config = flags.one_shot.config(flags.topics);
  if (!config) return tl::unexpected(config.error());
  out.config = std::move(*config);
  out.topics = flags.topics;
  const bool channel = flags.one_shot.way(out.config) == Way::channel;
  if (out.topics.empty() && channel) out.topics = out.config.channels;
  if (out.topics.empty() && !out.config.subtop.empty()) out.topics = {out.config.subtop};
  if (out.topics.empty()) return fail(Errc::bad_input, "no topic", "-t TOPIC");
  for (const auto* list : {&out.topics, &out.sink.filter_out}) {
    for (const auto& filter : *list) {
      auto parsed = client::parse_topic(filter, client::TopicKind::filter);
      if (!parsed) return tl::unexpected(parsed.error());
    }
  }
  if (!channel && (flags.max_age > 0 || out.report)) {
    return fail(Errc::bad_input, "--max-age and --report are for channels", "leave them out");
  }
  if (channel && out.retain_as_published) {
    return fail(Errc::bad_input, "on channels retain says that a message may be of any age",
                "leave --retain-as-published out");
  }
  out.max_age = std::chrono::seconds(flags.max_age);
  out.timeout = std::chrono::seconds(flags.timeout);
  auto format = flags.format.choices();
  if (!format) return tl::unexpected(format.error());
  out.sink.format = std::move(*format);
  const auto& rotation = flags.rotation;
  if (flags.output.empty() && rotation.rotate_size + flags.rotate_time + rotation.rotate_keep > 0) {
    return fail(Errc::bad_input, "--rotate-size, --rotate-time and --rotate-keep are for --output",
                "add --output FILE, or leave them out");
  }
  if (!flags.output.empty()) {
    flags.rotation.path = flags.output;
    flags.rotation.rotate_time = std::chrono::seconds(flags.rotate_time);
    out.sink.output = flags.rotation;
  }
  return check_durable(out, flags.one_shot.way(out.config));
}

int run(SubFlags& flags) {
  if (auto chosen = choose(flags); !chosen) return report(chosen);
  asio::io_context loop(1);
  switch (flags.one_shot.way(flags.chosen.config)) {
    case Way::plain:
      return run_plain_sub(loop, std::move(flags.chosen));
    case Way::session:
      return run_session_sub(loop, std::move(flags.chosen));
    case Way::channel:
      return run_channel_sub(loop, std::move(flags.chosen));
  }
  return exit_failed;
}

/// As a script's variable that isn't set.
std::string not_empty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

void add_output_flags(CLI::App& sub, SubFlags& flags) {
  constexpr auto group = FormatFlags::group;
  sub.add_flag("--durable", flags.chosen.durable, "lose nothing: acknowledge only what is safe");
  sub.add_option("--store", flags.chosen.sink.store, "durable: into a SQLite file, each once")
      ->check(not_empty)
      ->group(group);
  sub.add_option("--exec", flags.chosen.sink.exec, "durable: a shell command for each message")
      ->check(not_empty)
      ->group(group);
  flags.format.add_to(sub);
  sub.add_option("--output", flags.output, "into a file, or a file each into a directory")
      ->check(not_empty)
      ->group(group);
  sub.add_option("--rotate-size", flags.rotation.rotate_size, "bytes, for a new file then")
      ->group(group);
  sub.add_option("--rotate-time", flags.rotate_time, "seconds, for a new file then")->group(group);
  sub.add_option("--rotate-keep", flags.rotation.rotate_keep, "delete all but so many old files")
      ->group(group);
}

}  // namespace

void add_sub_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<SubFlags>();
  auto& sink = flags->chosen.sink;
  auto* sub = app.add_subcommand("sub", "Show the messages of topics");
  sub->add_option("-t,--topic", flags->topics, "topic or filter, also several times")
      ->allow_extra_args(false);
  sub->add_option("-T,--filter-out", sink.filter_out, "leave out what matches")
      ->allow_extra_args(false);
  sub->add_option("-C", sink.count, "end after so many messages")->check(CLI::PositiveNumber);
  sub->add_option("-W", flags->timeout, "end after so many seconds, with exit code 27")
      ->check(CLI::Range(1, 1 << 30));
  sub->add_flag("-E", flags->chosen.exit_after_suback, "end as soon as it is subscribed");
  sub->add_flag("-R", sink.skip_stale, "leave out what the broker had stored");
  sub->add_flag("--retained-only", sink.only_retained, "only that, and end with the first new one");
  sub->add_flag("--retain-as-published", flags->chosen.retain_as_published,
                "the retain flag as the sender set it (MQTT 5)");
  sub->add_option("--max-age", flags->max_age, "leave out what was sent so many seconds ago")
      ->check(CLI::Range(1, 1 << 30));
  sub->add_flag("--report", flags->chosen.report, "at the end: what was missing, repeated, forged");
  add_output_flags(*sub, *flags);
  flags->one_shot.add_to(*sub);
  sub->footer(sub_examples);
  sub->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace sts::cli
